namespace Pasid.Tests.Samples;

/// <summary>The snippet of the README, between the markers, compiled and run.</summary>
internal static class ReadmeSample
{
    public static void Run(Action<string> print)
    {
        // <readme>
        using var binder = new SvmBinder();
        var iommu = new Iommu("iommu0");
        var gpu = new SvmDevice("gpu0", iommu);
        var dsa = new SvmDevice("dsa0", iommu);

        using AddressSpace process = binder.CreateAddressSpace("solver");
        using SvmBinding first = binder.Bind(gpu, process);
        using SvmBinding second = binder.Bind(dsa, process);
        print($"{process} is PASID {first.Pasid} on both devices: {first.Pasid == second.Pasid}");

        binder.Lookup(first.Pasid, out AddressSpace? target); // what a DMA with that PASID reaches
        print($"PASID {first.Pasid} reaches {target}");
        // </readme>
    }
}

namespace Pasid.Tests.Samples;

/// <summary>The README's second snippet, compiled and run; what stands between the marks is compared with the README.</summary>
internal static class ReadmeLifeSample
{
    public static void Run(IEnqcmdPortal portal, IPageResponder responder, Action<string> print)
    {
        // <readme>
        using var binder = new SvmBinder();
        var dsa = new SvmDevice("dsa0", new Iommu("iommu0"));
        using var queue = new PageRequestQueue(binder, dsa.Iommu!, responder);

        using AddressSpace process = binder.CreateAddressSpace("solver");
        process.Portals.Map(0x1000, portal);
        var memory = new AddressRegionMap();
        memory.Add(new AddressRegion(0x400000, 0x2000, PageRequestRights.Read | PageRequestRights.Write));
        process.FaultHandler = memory;

        using SvmBinding binding = binder.Bind(dsa, process);
        SvmThread thread = process.CreateThread("worker");
        EnqcmdResult result = thread.Enqcmd(0x1000, new byte[64]); // #GP, the PASID is loaded, once more
        print($"{result.Outcome}, IA32_PASID {thread.Msr}");

        queue.TryEnqueue(new PageRequest { Device = dsa, Pasid = binding.Pasid, Address = 0x400040, Rights = PageRequestRights.Read, IsLastInGroup = true });
        queue.Process(); // the responder gets the answer
        // </readme>
    }
}

using Pasid;

// What a newcomer writes who has read the README and nothing else: the process exits while its devices are still bound.
var allocator = new IoasidAllocator();
using var binder = new SvmBinder(allocator);
var iommu = new Iommu("iommu0");
SvmDevice[] devices = [new("gpu0", iommu), new("dsa0", iommu)];
AddressSpace process = binder.CreateAddressSpace("solver");

SvmBinding[] bindings = [.. devices.Select(device => binder.Bind(device, process))];
Console.WriteLine($"PASIDs: {string.Join(' ', bindings.Select(binding => binding.Pasid))}");

process.Exit();
Console.WriteLine($"after exit: {allocator.LiveCount} live, {binder.GetBindings().Sum(binding => binding.Devices.Count)} bound");

foreach (SvmBinding binding in bindings)
{
    binding.Dispose();
}

Console.WriteLine($"after unbind: {allocator.LiveCount} live, {binder.GetBindings().Count} bound, {binder.GetLeakedPasids().Count} leaked");

using Microsoft.Extensions.DependencyInjection;
using Pasid;

// Three hosts in one process, each with a container key; what one does, no other sees.
var services = new ServiceCollection();
string[] names = ["north", "south", "west"];
foreach (string name in names)
{
    services.AddKeyedPasid(name, options => options.PasidLimit = 16);
}

var snapshots = new List<PasidSnapshot>();
using (ServiceProvider provider = services.BuildServiceProvider())
{
    foreach (string name in names)
    {
        SvmBinder binder = provider.GetRequiredKeyedService<SvmBinder>(name);
        var device = new SvmDevice($"{name} device", provider.GetRequiredKeyedService<IIommu>(name));
        using AddressSpace process = binder.CreateAddressSpace($"{name} process");
        using SvmBinding binding = binder.Bind(device, process);
        Console.WriteLine($"{name}: PASID {binding.Pasid}, {provider.GetRequiredKeyedService<IIoasidAllocator>(name).LiveCount} live");

        // Through a file format and back, which reflection would not survive in a trimmed program.
        using var stream = new MemoryStream();
        binder.CaptureSnapshot().Save(stream);
        stream.Position = 0;
        PasidSnapshot snapshot = PasidSnapshot.Load(stream);
        binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => device, FindAddressSpace = _ => process });
        snapshots.Add(snapshot);
        binder.UnbindMm(device, binding.Pasid);
    }

    Console.WriteLine($"live: {names.Sum(name => provider.GetRequiredKeyedService<IIoasidAllocator>(name).LiveCount)}");
}

Console.WriteLine($"snapshots: {snapshots.Count}, bindings: {snapshots.Sum(snapshot => snapshot.BindingCount)}");

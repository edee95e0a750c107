using System.Collections.Concurrent;
using System.Globalization;

namespace Pasid.Internal;

/// <summary>Checks a snapshot and makes the objects that it stands for; nothing of the host changes.</summary>
internal sealed class SnapshotReader(BindingEngine engine, IoasidReusePolicy reusePolicy, SnapshotFile snapshot, PasidSnapshotMap map)
{
    private readonly SnapshotCheck _check = new(snapshot, engine.Profile, reusePolicy, map.MemoryLimit);
    private readonly Dictionary<string, SvmDevice> _devices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IEnqcmdPortal> _portals = new(StringComparer.Ordinal);

    /// <summary>Devices, address spaces and owners, each of which has one name.</summary>
    private readonly HashSet<object> _found = new(ReferenceEqualityComparer.Instance);

    public IReadOnlyList<string> Errors => _check.Errors;

    public List<IoasidTable.LiveId> Ids { get; } = [];

    /// <summary>Gets the address spaces, in the order of the snapshot.</summary>
    public List<AddressSpace> AddressSpaces { get; } = [];

    /// <summary>Gets the bindings, oldest first, linked to nothing and not to be seen by lookups yet.</summary>
    public List<SvmRecord> Records { get; } = [];

    /// <summary>Gets how many live ids are the binder's: bound, remembered or lost.</summary>
    public int HeldPasids { get; private set; }

    public uint NextId => snapshot.NextId;

    public IReadOnlyList<uint> HeldIds => snapshot.HeldBackIds ?? [];

    public LeakedPasids Leaked { get; } = new();

    /// <summary>Gets what belongs to the processes of <see cref="AddressSpaces"/>, made and linked to nothing.</summary>
    public List<Process> Processes { get; } = [];

    public List<RequestRingState> Queues { get; } = [];

    public void Read()
    {
        _check.Run();
        if (Errors.Count != 0)
        {
            return;
        }

        foreach (AddressSpaceEntry addressSpace in snapshot.AddressSpaces)
        {
            AddressSpaces.Add(FindAddressSpace(addressSpace.Name));
        }

        FindPortals();
        foreach (QueueEntry queue in snapshot.Queues ?? [])
        {
            Queues.Add(new RequestRingState([.. queue.Requests.Select(MakeRequest)], queue.Iommu, queue.Head, queue.IsPending, queue.HasOverflowed, queue.IsDead));
        }

        foreach (BindingEntry binding in snapshot.Bindings)
        {
            Records.Add(MakeRecord(binding));
        }

        if (Errors.Count == 0)
        {
            MakeIds([.. snapshot.Owners.Select(FindOwner)]);
            Processes.AddRange(AddressSpaces.Zip(snapshot.AddressSpaces, MakeProcess));
            HeldPasids = CountHeldPasids();
            foreach (uint pasid in snapshot.LeakedPasids)
            {
                Leaked.Add(new Ioasid(pasid));
            }
        }
    }

    private AddressSpace FindAddressSpace(string name)
    {
        AddressSpace? known = map.FindAddressSpace?.Invoke(name);
        if (known is null)
        {
            return new AddressSpace(engine.Processes, name);
        }

        if (!ReferenceEquals(known.Processes, engine.Processes))
        {
            _check.Add($"the address space '{name}' was found with another binder");
        }
        else
        {
            CheckFirst(known, "address space", name);
        }

        return known;
    }

    private IoasidSet FindOwner(string name)
    {
        IoasidSet owner = map.FindOwner?.Invoke(name) ?? new IoasidSet(name);
        CheckFirst(owner, "owner", name);
        return owner;
    }

    private void FindPortals()
    {
        foreach (PortalEntry portal in snapshot.AddressSpaces.SelectMany(addressSpace => addressSpace.Portals ?? []))
        {
            if (!_portals.ContainsKey(portal.Portal) && Find(map.FindPortal, nameof(map.FindPortal), "portal", portal.Portal) is { } found)
            {
                _portals.Add(portal.Portal, found);
            }
        }
    }

    private SvmDevice? FindDevice(string name)
    {
        if (_devices.TryGetValue(name, out SvmDevice? known) || Find(map.FindDevice, nameof(map.FindDevice), "device", name) is not { } device)
        {
            return known;
        }

        if (device.Iommu is null)
        {
            _check.Add($"the device '{name}' was found behind no IOMMU");
            return null;
        }

        CheckFirst(device, "device", name);
        _devices.Add(name, device);
        return device;
    }

    private T? Find<T>(Func<string, T?> find, string function, string what, string name, uint? id = null)
        where T : class
    {
        T? found = find(name);
        _check.Add(found is null ? $"the {what} '{name}'{(id is null ? null : $" of id {id}")} is unknown to {function}" : null);
        return found;
    }

    private void CheckFirst(object found, string what, string name) =>
        _check.Add(_found.Add(found) ? null : $"the {what} '{name}' was found for another name before");

    private PageRequest MakeRequest(RequestEntry request) => new()
    {
        Device = FindDevice(request.Device)!,
        Pasid = request.Pasid is { } pasid ? new Ioasid(pasid) : null,
        Address = request.Address,
        Rights = request.Rights,
        GroupIndex = request.GroupIndex,
        IsLastInGroup = request.IsLastInGroup,
        PrivateData = request.PrivateData is null ? null : UInt128.Parse(request.PrivateData, NumberStyles.None, CultureInfo.InvariantCulture),
    };

    private SvmRecord MakeRecord(BindingEntry binding)
    {
        SvmDevice? firstDevice = FindDevice(binding.FirstDevice);
        AddressSpace? addressSpace = binding.AddressSpace is { } index ? AddressSpaces[index] : null;
        var record = new SvmRecord(engine, addressSpace, binding.Flags) { FirstDevice = firstDevice!, Pasid = new Ioasid(binding.Pasid) };
        foreach (DeviceEntry device in binding.Devices.Reverse())
        {
            ISvmDeviceCallbacks? callbacks = device.Callbacks is null ? null : Find(map.FindCallbacks, nameof(map.FindCallbacks), "callback table", device.Callbacks);
            if (FindDevice(device.Device) is { } known)
            {
                record.Devices.Add(new SvmDeviceRecord { Device = known, Callbacks = callbacks, Users = device.Binds });
            }
        }

        return record;
    }

    private int CountHeldPasids()
    {
        HashSet<uint> held = [.. snapshot.LeakedPasids];
        held.UnionWith(snapshot.Bindings.Select(binding => binding.Pasid));
        held.UnionWith(snapshot.AddressSpaces.Select(addressSpace => addressSpace.Pasid).OfType<uint>());
        held.IntersectWith(Ids.Select(id => id.Id));
        return held.Count;
    }

    private Process MakeProcess(AddressSpace addressSpace, AddressSpaceEntry picture)
    {
        List<SvmThread>? threads = picture.Threads is { Count: > 0 } pictured
            ? [.. pictured.Select(thread => new SvmThread(addressSpace, thread.Name, new PasidMsr(thread.Msr)))]
            : null;
        if (picture.Portals is not { Count: > 0 } portals)
        {
            return new Process(addressSpace, picture, threads, Portals: null);
        }

        // Made here, where it may fail, so that the restore finds it.
        _ = addressSpace.Portals;
        return new Process(addressSpace, picture, threads, new(portals.Select(portal => KeyValuePair.Create(portal.Address, _portals[portal.Portal]))));
    }

    private void MakeIds(IoasidSet[] owners)
    {
        foreach (IdEntry id in snapshot.Ids)
        {
            object? data = id.Binding is { } binding ? Records[binding]
                : id.HasStaleBinding ? MakeStale()
                : id.Data is null ? null
                : Find(map.FindData, nameof(map.FindData), "data", id.Data, id.Id);
            Ids.Add(new IoasidTable.LiveId(id.Id, id.References, id.Owner is { } owner ? owners[owner] : null, data));
        }
    }

    /// <summary>What a failed rebind leaves: a binding that lookups come across and that stands for nothing.</summary>
    private SvmRecord MakeStale()
    {
        var record = new SvmRecord(engine, addressSpace: null, SvmBindFlags.None) { FirstDevice = null! };
        record.Release(PasidStatus.InvalidArgument);
        return record;
    }

    /// <summary>What a process has besides its address space.</summary>
    internal readonly record struct Process(AddressSpace AddressSpace, AddressSpaceEntry Picture, List<SvmThread>? Threads, ConcurrentDictionary<ulong, IEnqcmdPortal>? Portals);
}

using System.Collections.Concurrent;
using System.Globalization;

namespace Pasid.Internal;

/// <summary>Checks a snapshot and makes the objects that it stands for; nothing of the host changes.</summary>
internal sealed class SnapshotReader(BindingEngine engine, IoasidReusePolicy reusePolicy, SnapshotFile snapshot, PasidSnapshotMap map)
{
    private readonly SnapshotCheck _check = new(snapshot, engine.Profile, reusePolicy, map.MemoryLimit);
    private readonly Dictionary<string, SvmDevice> _devices = new(StringComparer.Ordinal);
    private readonly HashSet<SvmDevice> _knownDevices = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<string, IEnqcmdPortal> _portals = new(StringComparer.Ordinal);

    public IReadOnlyList<string> Errors => _check.Errors;

    public List<IoasidTable.LiveId> Ids { get; } = [];

    /// <summary>Gets the address spaces, in the order of the snapshot.</summary>
    public List<AddressSpace> AddressSpaces { get; } = [];

    /// <summary>Gets the bindings, oldest first, linked to nothing and not to be seen by lookups yet.</summary>
    public List<SvmRecord> Records { get; } = [];

    /// <summary>Gets how many live ids are the binder's: bound, remembered or lost.</summary>
    public int HeldPasids { get; private set; }

    /// <summary>Gets where a cyclic search for an id begins.</summary>
    public uint NextId => snapshot.NextId;

    /// <summary>Gets the ids that are held back, oldest first.</summary>
    public IReadOnlyList<uint> HeldIds => snapshot.HeldBackIds ?? [];

    /// <summary>Gets the PASIDs that a quirk kept from being freed.</summary>
    public LeakedPasids Leaked { get; } = new();

    /// <summary>Gets what belongs to the processes of <see cref="AddressSpaces"/>, made and linked to nothing.</summary>
    public List<Process> Processes { get; } = [];

    /// <summary>Gets what waits in each queue.</summary>
    public List<HostState.Queue> Queues { get; } = [];

    public void Read()
    {
        _check.Run();
        if (Errors.Count != 0)
        {
            return;
        }

        FindAddressSpaces();
        FindPortals();
        foreach (QueueEntry queue in snapshot.Queues ?? [])
        {
            Queues.Add(new HostState.Queue([.. queue.Requests.Select(MakeRequest)], queue.HasOverflowed));
        }

        foreach (BindingEntry binding in snapshot.Bindings)
        {
            MakeRecord(binding);
        }

        if (Errors.Count == 0)
        {
            MakeIds(FindOwners());
            MakeProcesses();
            HeldPasids = CountHeldPasids();
            foreach (uint pasid in snapshot.LeakedPasids)
            {
                Leaked.Add(new Ioasid(pasid));
            }
        }
    }

    private void FindAddressSpaces()
    {
        var found = new HashSet<AddressSpace>(ReferenceEqualityComparer.Instance);
        foreach (AddressSpaceEntry addressSpace in snapshot.AddressSpaces)
        {
            AddressSpace? known = map.FindAddressSpace?.Invoke(addressSpace.Name);
            if (known is not null && !ReferenceEquals(known.Processes, engine.Processes))
            {
                _check.Add($"the address space '{addressSpace.Name}' was found with another binder");
            }
            else if (known is not null && !found.Add(known))
            {
                _check.Add($"the address space '{addressSpace.Name}' was found for another name before");
            }

#pragma warning disable CA2000 // The caller's from now on: to dispose it would be to exit it.
            AddressSpaces.Add(known ?? new AddressSpace(engine.Processes, addressSpace.Name));
#pragma warning restore CA2000
        }
    }

    private void FindPortals()
    {
        foreach (PortalEntry portal in snapshot.AddressSpaces.SelectMany(addressSpace => addressSpace.Portals ?? []))
        {
            if (_portals.ContainsKey(portal.Portal))
            {
                continue;
            }

            if (map.FindPortal(portal.Portal) is { } found)
            {
                _portals.Add(portal.Portal, found);
            }
            else
            {
                _check.Add($"the portal '{portal.Portal}' is unknown to {nameof(map.FindPortal)}");
            }
        }
    }

    private PageRequest MakeRequest(RequestEntry request) => new()
    {
        Device = Find(request.Device)!,
        Pasid = request.Pasid is { } pasid ? new Ioasid(pasid) : null,
        Address = request.Address,
        Rights = request.Rights,
        GroupIndex = request.GroupIndex,
        IsLastInGroup = request.IsLastInGroup,
        PrivateData = request.PrivateData is null ? null : UInt128.Parse(request.PrivateData, NumberStyles.None, CultureInfo.InvariantCulture),
    };

    private IoasidSet[] FindOwners()
    {
        var found = new HashSet<IoasidSet>(ReferenceEqualityComparer.Instance);
        var owners = new IoasidSet[snapshot.Owners.Count];
        for (int i = 0; i < owners.Length; i++)
        {
            owners[i] = map.FindOwner?.Invoke(snapshot.Owners[i]) ?? new IoasidSet(snapshot.Owners[i]);
            if (!found.Add(owners[i]))
            {
                _check.Add($"the owner '{snapshot.Owners[i]}' was found for another name before");
            }
        }

        return owners;
    }

    private void MakeRecord(BindingEntry binding)
    {
        SvmDevice? firstDevice = Find(binding.FirstDevice);
        AddressSpace? addressSpace = binding.AddressSpace is { } index ? AddressSpaces[index] : null;
        var record = new SvmRecord(engine, addressSpace, binding.Flags) { FirstDevice = firstDevice!, Pasid = new Ioasid(binding.Pasid) };
        for (int i = binding.Devices.Count - 1; i >= 0; i--)
        {
            DeviceEntry device = binding.Devices[i];
            ISvmDeviceCallbacks? callbacks = device.Callbacks is null ? null : map.FindCallbacks(device.Callbacks);
            if (device.Callbacks is not null && callbacks is null)
            {
                _check.Add($"the callback table '{device.Callbacks}' is unknown to {nameof(map.FindCallbacks)}");
            }

            if (Find(device.Device) is { } known)
            {
                record.AddDevice(new SvmDeviceRecord { Device = known, Callbacks = callbacks, Users = device.Binds });
            }
        }

        Records.Add(record);
    }

    private SvmDevice? Find(string name)
    {
        if (_devices.TryGetValue(name, out SvmDevice? known))
        {
            return known;
        }

        SvmDevice? device = map.FindDevice(name);
        if (device?.Iommu is null)
        {
            _check.Add(device is null ? $"the device '{name}' is unknown to {nameof(map.FindDevice)}" : $"the device '{name}' was found behind no IOMMU");
            return null;
        }

        if (!_knownDevices.Add(device))
        {
            _check.Add($"the device '{name}' was found for another name before");
        }

        _devices.Add(name, device);
        return device;
    }

    private int CountHeldPasids()
    {
        HashSet<uint> held = [.. snapshot.LeakedPasids];
        held.UnionWith(snapshot.Bindings.Select(binding => binding.Pasid));
        held.UnionWith(snapshot.AddressSpaces.Where(addressSpace => addressSpace.Pasid is not null).Select(addressSpace => addressSpace.Pasid!.Value));
        held.IntersectWith(Ids.Select(id => id.Id));
        return held.Count;
    }

    private void MakeProcesses()
    {
        for (int i = 0; i < AddressSpaces.Count; i++)
        {
            AddressSpaceEntry picture = snapshot.AddressSpaces[i];
            List<SvmThread>? threads = picture.Threads is { Count: > 0 } pictured
                ? [.. pictured.Select(thread => new SvmThread(AddressSpaces[i], thread.Name, new PasidMsr(thread.Msr)))]
                : null;
            IEnumerable<KeyValuePair<ulong, IEnqcmdPortal>> portals = (picture.Portals ?? []).Select(portal => KeyValuePair.Create(portal.Address, _portals[portal.Portal]));
            bool hasPortals = picture.Portals is { Count: > 0 };
            Processes.Add(new Process(picture, threads, hasPortals ? new(portals) : null));
            if (hasPortals)
            {
                // Made here, where it may fail, so that the restore finds it.
                _ = AddressSpaces[i].Portals;
            }
        }
    }

    private void MakeIds(IoasidSet[] owners)
    {
        foreach (IdEntry id in snapshot.Ids)
        {
            object? data = id.Binding is { } binding ? Records[binding]
                : id.HasStaleBinding ? MakeStale()
                : id.Data is null ? null
                : map.FindData(id.Data);
            if (id.Data is not null && data is null)
            {
                _check.Add($"the data '{id.Data}' of id {id.Id} is unknown to {nameof(map.FindData)}");
            }

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
    internal readonly record struct Process(AddressSpaceEntry Picture, List<SvmThread>? Threads, ConcurrentDictionary<ulong, IEnqcmdPortal>? Portals);
}

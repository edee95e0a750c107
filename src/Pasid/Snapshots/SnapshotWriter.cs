using System.Globalization;

namespace Pasid.Internal;

/// <summary>Names the objects of a host; outside the gates, because the names come from the caller's functions.</summary>
internal sealed class SnapshotWriter(BindingEngine engine, HostState state, PasidSnapshotMap map)
{
    private readonly List<string> _owners = [];
    private readonly Dictionary<IoasidSet, int> _ownerIndexes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<AddressSpace, int> _addressSpaceIndexes = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<SvmRecord, int> _bindingIndexes = new(ReferenceEqualityComparer.Instance);

    /// <summary>What has a name of its own, by the function that gave it.</summary>
    private readonly Dictionary<(string Function, string Name), object> _named = [];

    public PasidSnapshot Write()
    {
        // Oldest first, so that a restore that adds them in order ends with the same order.
        state.AddressSpaces.Reverse();
        List<AddressSpaceEntry> addressSpaces = state.AddressSpaces.ConvertAll(Name);
        List<BindingEntry> bindings = state.Bindings.ConvertAll(Name);
        List<IdEntry> ids = state.Ids.ConvertAll(Name);
        return new PasidSnapshot(new SnapshotFile(
            PasidSnapshot.CurrentVersion,
            engine.Profile.Lifetime,
            engine.Profile.Quirks,
            ids.Count,
            bindings.Count,
            _owners.AsReadOnly(),
            ids.AsReadOnly(),
            addressSpaces.AsReadOnly(),
            bindings.AsReadOnly(),
            state.Leaked.ConvertAll(pasid => pasid.Value).AsReadOnly(),
            state.NextId,
            state.HeldIds.Length == 0 ? null : state.HeldIds,
            state.Queues.Count == 0 ? null : state.Queues.ConvertAll(Name).AsReadOnly()));
    }

    private AddressSpaceEntry Name(HostState.Space space)
    {
        _addressSpaceIndexes.Add(space.AddressSpace, _addressSpaceIndexes.Count);
        return new AddressSpaceEntry(
            Require(map.NameAddressSpace(space.AddressSpace), nameof(map.NameAddressSpace), space.AddressSpace),
            space.Pasid.IsValid ? space.Pasid.Value : null,
            space.HasLeft,
            space.ExtraUsers,
            space.LeakedUsers,
            space.ExtraPins,
            space.Threads.Length == 0 ? null : Array.AsReadOnly(Array.ConvertAll(space.Threads, thread => new ThreadEntry(thread.Name, thread.Msr.Value))),
            space.Portals.Length == 0 ? null : Array.AsReadOnly(Array.ConvertAll(space.Portals, mapping => new PortalEntry(mapping.Key, Name(mapping.Value)))));
    }

    private QueueEntry Name(RequestRingState queue) => new(
        Array.AsReadOnly(Array.ConvertAll(queue.Requests, request => new RequestEntry(
            Name(request.Device),
            request.Pasid?.Value,
            request.Address,
            request.Rights,
            request.GroupIndex,
            request.IsLastInGroup,
            request.PrivateData?.ToString(CultureInfo.InvariantCulture)))),
        queue.HasOverflowed,
        queue.Iommu,
        queue.Head,
        queue.IsPending,
        queue.IsDead);

    private string Name(IEnqcmdPortal portal) => RequireUnique(map.NamePortal(portal), nameof(map.NamePortal), portal);

    private BindingEntry Name(HostState.Binding binding)
    {
        _bindingIndexes.Add(binding.Record, _bindingIndexes.Count);
        return new BindingEntry(
            binding.Pasid.Value,
            binding.Record.AddressSpace is { } addressSpace ? _addressSpaceIndexes[addressSpace] : null,
            binding.Record.Flags,
            Name(binding.FirstDevice),
            binding.Devices.ConvertAll(device => new DeviceEntry(Name(device.Device), device.Users, Name(device.Callbacks))).AsReadOnly());
    }

    private string Name(SvmDevice device) => RequireUnique(map.NameDevice(device), nameof(map.NameDevice), device);

    private string? Name(ISvmDeviceCallbacks? callbacks) => callbacks is null ? null : RequireUnique(map.NameCallbacks(callbacks), nameof(map.NameCallbacks), callbacks);

    private IdEntry Name(IoasidTable.LiveId id)
    {
        int? owner = id.Owner is null ? null : Name(id.Owner);
        return id.Data switch
        {
            null => new IdEntry(id.Id, id.References, owner),
            SvmRecord record when _bindingIndexes.TryGetValue(record, out int index) => new IdEntry(id.Id, id.References, owner, Binding: index),
            SvmRecord record when ReferenceEquals(record.Engine, engine) => new IdEntry(id.Id, id.References, owner, HasStaleBinding: true),
            SvmRecord => throw new InvalidOperationException($"Id {id.Id} leads to a binding of another binder, which holds no id of this allocator: leave the data of PASIDs to their binder."),
            _ => new IdEntry(id.Id, id.References, owner, Data: Require(map.NameData(id.Data), nameof(map.NameData), id.Data)),
        };
    }

    private int Name(IoasidSet owner)
    {
        if (!_ownerIndexes.TryGetValue(owner, out int index))
        {
            index = _owners.Count;
            _owners.Add(Require(map.NameOwner(owner), nameof(map.NameOwner), owner));
            _ownerIndexes.Add(owner, index);
        }

        return index;
    }

    private static string Require(string? name, string function, object named) =>
        name is null ? throw new InvalidOperationException($"{nameof(PasidSnapshotMap)}.{function} has no name for '{named}': a snapshot names everything.")
        : Names.FindBroken(name) is >= 0 and var broken
            ? throw new InvalidOperationException($"{nameof(PasidSnapshotMap)}.{function} has for '{named}' a name with half of a surrogate pair at index {broken}: give text that is valid Unicode.")
        : name;

    private string RequireUnique(string? name, string function, object named)
    {
        string unique = Require(name, function, named);
        return _named.TryAdd((function, unique), named) || ReferenceEquals(_named[(function, unique)], named)
            ? unique
            : throw new InvalidOperationException($"{nameof(PasidSnapshotMap)}.{function} calls two of them '{unique}': give each a name of its own.");
    }
}

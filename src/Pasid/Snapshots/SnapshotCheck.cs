using System.Globalization;

namespace Pasid.Internal;

/// <summary>Finds everything in a snapshot that no host can have been in, before anything of it is restored.</summary>
internal sealed class SnapshotCheck(SnapshotFile snapshot, KernelProfile profile, IoasidReusePolicy reusePolicy, long memoryLimit)
{
    /// <summary>More errors than these are not told: they come from one cause.</summary>
    private const int MostErrors = 20;

    private readonly List<string> _errors = [];
    private readonly Dictionary<uint, IdEntry> _ids = [];

    public IReadOnlyList<string> Errors => _errors;

    public void Run()
    {
        if (snapshot.Owners is null || snapshot.Ids is null || snapshot.AddressSpaces is null || snapshot.Bindings is null || snapshot.LeakedPasids is null)
        {
            Add("one of its lists is missing");
            return;
        }

        // Before the checks, which remember what they have seen.
        long size = SnapshotSize.Estimate(snapshot);
        if (size > memoryLimit)
        {
            Add($"it would take up to {size} bytes of memory, and the limit is {memoryLimit}: if it is to be trusted, raise {nameof(PasidSnapshotMap)}.{nameof(PasidSnapshotMap.MemoryLimit)}");
            return;
        }

        Add((snapshot.Quirks & ~KernelProfile.AllQuirks) != KernelQuirks.None ? $"it names the undefined quirks 0x{(int)(snapshot.Quirks & ~KernelProfile.AllQuirks):X}" : null);
        Add(snapshot.Lifetime != profile.Lifetime || ((snapshot.Quirks ^ profile.Quirks) & KernelProfile.StateQuirks) != KernelQuirks.None
            ? $"it was taken under lifetime {snapshot.Lifetime} and quirks {snapshot.Quirks}, and the profile '{profile.Name}' has {profile.Lifetime} and {profile.Quirks}"
            : null);
        Add(snapshot.LiveCount != snapshot.Ids.Count ? $"it says {snapshot.LiveCount} ids and has {snapshot.Ids.Count}" : null);
        Add(snapshot.BindingCount != snapshot.Bindings.Count ? $"it says {snapshot.BindingCount} bindings and has {snapshot.Bindings.Count}" : null);
        CheckIds();
        CheckAddressSpaces();
        CheckBindings();
        CheckUse();
        CheckLeakedPasids();
        CheckReuse();
        foreach (QueueEntry? queue in snapshot.Queues ?? [])
        {
            CheckQueue(queue);
        }
    }

    /// <summary>Adds an error, if there is one.</summary>
    public void Add(string? error)
    {
        if (error is not null && _errors.Count < MostErrors)
        {
            _errors.Add(error);
        }
    }

    private void CheckIds()
    {
        Add(snapshot.Owners.Any(owner => owner is null) ? "an owner has no name" : null);
        foreach (IdEntry? id in snapshot.Ids)
        {
            if (id is null)
            {
                Add("an id is null");
                continue;
            }

            Add(_ids.TryAdd(id.Id, id) ? null : $"id {id.Id} is there twice");
            Add(new Ioasid(id.Id).IsValid ? null : $"{id.Id} is no id");
            Add(id.References < 1 ? $"id {id.Id} has {id.References} references" : null);
            CheckIndex(id.Owner, snapshot.Owners.Count, $"the owner of id {id.Id}");
            CheckIndex(id.Binding, snapshot.Bindings.Count, $"the binding of id {id.Id}");
            Add((id.Binding is null ? 0 : 1) + (id.HasStaleBinding ? 1 : 0) + (id.Data is null ? 0 : 1) > 1 ? $"id {id.Id} has more than one kind of data" : null);
            Add(id.HasStaleBinding && !profile.Has(KernelQuirks.FailedRebindLeavesData) ? $"id {id.Id} has stale data, which the profile does not leave" : null);
            Add(id.Binding is { } binding && (uint)binding < (uint)snapshot.Bindings.Count && snapshot.Bindings[binding]?.Pasid != id.Id
                ? $"id {id.Id} leads to a binding with another PASID"
                : null);
        }
    }

    private void CheckAddressSpaces()
    {
        var holders = new HashSet<uint>();
        foreach (AddressSpaceEntry? addressSpace in snapshot.AddressSpaces)
        {
            if (addressSpace?.Name is null)
            {
                Add("an address space has no name");
                continue;
            }

            string what = $"the address space '{addressSpace.Name}'";
            CheckUsers(addressSpace, what);
            if (addressSpace.Pasid is { } pasid)
            {
                Add(profile.Lifetime == PasidLifetime.Binding ? $"{what} remembers a PASID, which the profile does not let it" : null);
                CheckPasid(pasid, what);
                Add(!holders.Add(pasid) && !profile.Has(KernelQuirks.ForkCopiesPasid) ? $"PASID {pasid} is remembered by two address spaces" : null);
            }
        }
    }

    private void CheckUsers(AddressSpaceEntry addressSpace, string what)
    {
        Add(addressSpace.ExtraUsers < 0 || addressSpace.LeakedUsers < 0 || addressSpace.LeakedUsers > addressSpace.ExtraUsers || addressSpace.ExtraPins < 0
            ? $"{what} has {addressSpace.ExtraUsers} extra users, {addressSpace.LeakedUsers} of them left behind, and {addressSpace.ExtraPins} pins"
            : null);
        Add(addressSpace.LeakedUsers != 0 && !profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser) ? $"{what} has users that were left behind, which the profile does not do" : null);
        Add(addressSpace is { HasLeft: true, Threads.Count: not 0 } ? $"the process of {what} has left, and has threads" : null);
        foreach (ThreadEntry? thread in addressSpace.Threads ?? [])
        {
            Add(thread?.Name is null ? $"{what} has a thread without a name"
                : thread.Msr != 0 && thread.Msr != (addressSpace.Pasid | PasidMsr.ValidBit) ? $"the thread '{thread.Name}' of {what} has 0x{thread.Msr:X} in its register"
                : null);
        }

        var addresses = new HashSet<ulong>();
        foreach (PortalEntry? portal in addressSpace.Portals ?? [])
        {
            Add(portal?.Portal is null || portal.Address % PortalMap.PageLength != 0 || !addresses.Add(portal.Address) || addressSpace is { HasLeft: true, ExtraUsers: 0 }
                ? $"{what} has a portal without a name, at no page, mapped where another is, or after its exit"
                : null);
        }
    }

    private void CheckBindings()
    {
        var shared = new HashSet<int>();
        for (int i = 0; i < snapshot.Bindings.Count; i++)
        {
            BindingEntry? binding = snapshot.Bindings[i];
            string what = $"binding {i}";
            if (binding?.Devices is null || binding.FirstDevice is null)
            {
                Add($"{what} has no devices");
                continue;
            }

            CheckPasid(binding.Pasid, what);
            CheckIndex(binding.AddressSpace, snapshot.AddressSpaces.Count, $"the address space of {what}");
            CheckFlags(binding, what, shared);
            CheckDevices(binding, what);
            Add(_ids.TryGetValue(binding.Pasid, out IdEntry? id) && id.Binding != i && !profile.Has(KernelQuirks.ForkCopiesPasid)
                ? $"the data of PASID {binding.Pasid} does not lead to {what}"
                : null);
        }
    }

    private void CheckFlags(BindingEntry binding, string what, HashSet<int> shared)
    {
        const int Supervisor = -1;
        Add((binding.Flags & ~(SvmBindFlags.Private | SvmBindFlags.Supervisor)) != 0 ? $"{what} has undefined flags" : null);
        Add((binding.Flags & SvmBindFlags.Supervisor) != 0 != binding.AddressSpace is null ? $"{what} is the supervisor's or has an address space, and not both" : null);
        if ((binding.Flags & SvmBindFlags.Private) == 0)
        {
            Add(shared.Add(binding.AddressSpace ?? Supervisor) ? null : $"{what} is the second shared one of its address space");
            Add(binding.AddressSpace is { } index
                && profile.Lifetime == PasidLifetime.AddressSpace
                && (uint)index < (uint)snapshot.AddressSpaces.Count
                && snapshot.AddressSpaces[index]?.Pasid != binding.Pasid
                ? $"{what} has another PASID than its address space remembers"
                : null);
        }
    }

    private void CheckDevices(BindingEntry binding, string what)
    {
        Add(binding.Devices.Count == 0 ? $"{what} has no devices" : null);
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (DeviceEntry? device in binding.Devices)
        {
            if (device?.Device is null)
            {
                Add($"{what} has a device without a name");
                continue;
            }

            Add(names.Add(device.Device) ? null : $"{what} has the device '{device.Device}' twice");
            Add(device.Binds < 1 ? $"{what} has the device '{device.Device}' with {device.Binds} binds" : null);
        }
    }

    /// <summary>An address space is there for its PASID or a binding, and after its exit for a pin of somebody.</summary>
    private void CheckUse()
    {
        var used = new HashSet<int>(snapshot.Bindings.Select(binding => binding?.AddressSpace).OfType<int>());
        for (int i = 0; i < snapshot.AddressSpaces.Count; i++)
        {
            AddressSpaceEntry? addressSpace = used.Contains(i) ? null : snapshot.AddressSpaces[i];
            Add(addressSpace is { Pasid: null } ? $"the address space '{addressSpace.Name}' has neither PASID nor binding"
                : addressSpace is { HasLeft: true, ExtraUsers: 0, ExtraPins: 0 } ? $"the address space '{addressSpace.Name}' has exited, and nothing pins it"
                : null);
        }
    }

    private void CheckLeakedPasids()
    {
        Add(snapshot.LeakedPasids.Count != 0 && (profile.Quirks & (KernelQuirks.PrivateAndSupervisorPasidsLeak | KernelQuirks.FreeNeedsEnqcmd)) == 0
            ? "it has leaked PASIDs, and the profile does not lose any"
            : null);
        var seen = new HashSet<uint>();
        foreach (uint pasid in snapshot.LeakedPasids)
        {
            CheckPasid(pasid, "a leak");
            Add(seen.Add(pasid) ? null : $"PASID {pasid} leaked twice");
        }
    }

    private void CheckReuse()
    {
        IReadOnlyList<uint> held = snapshot.HeldBackIds ?? [];
        Add(snapshot.NextId != 0 && reusePolicy.Order != IoasidReuseOrder.Cyclic ? $"it was taken of a cyclic allocator, and this one has the policy {reusePolicy}" : null);
        Add(held.Count > reusePolicy.Frees ? $"it holds {held.Count} ids back, and the policy {reusePolicy} holds back {reusePolicy.Frees}" : null);
        var seen = new HashSet<uint>();
        foreach (uint id in held)
        {
            Add(_ids.ContainsKey(id) || !new Ioasid(id).IsValid || !seen.Add(id) ? $"id {id} is held back, and is live, no id or held back twice" : null);
        }
    }

    private void CheckQueue(QueueEntry? queue)
    {
        foreach (RequestEntry? request in queue?.Requests ?? [])
        {
            Add(request?.Device is null || request.GroupIndex is < 0 or > DescriptorWords.MaxGroupIndex
                || (request.PrivateData is { } data && !UInt128.TryParse(data, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                ? "a page request has no device, a group index that is not 0 to 511, or private data that is no number"
                : null);
            Add(request?.Pasid >= IoasidRange.PasidLimit ? $"a page request has PASID {request.Pasid}, which has more than 20 bits" : null);
        }

        Add(queue is { Head: < 0 } ? $"the head of a page request queue is {queue.Head}" : null);
        Add(queue is { IsDead: true } && !profile.Has(KernelQuirks.UnknownPasidEndsThread) ? "a page request queue is dead, which none is under the profile" : null);

        Add(queue?.Requests?.Any(request => request is not null && !Rights.AreDefined(request.Rights)) == true ? "a page request has undefined rights" : null);
        Add(queue?.Requests is null ? "a page request queue has no requests" : null);
    }

    /// <summary>Under ForkCopiesPasid the number may have been freed by the other address space.</summary>
    private void CheckPasid(uint pasid, string holder) => Add(
        !_ids.ContainsKey(pasid) && !profile.Has(KernelQuirks.ForkCopiesPasid) ? $"{holder} has PASID {pasid}, which is not live"
        : !new Ioasid(pasid).IsValid ? $"{holder} has PASID {pasid}, which is no id"
        : null);

    private void CheckIndex(int? index, int count, string what) => Add(index is { } value && (uint)value >= (uint)count ? $"{what} is number {value} of {count}" : null);
}

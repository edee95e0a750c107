namespace Pasid.Internal;

/// <summary>Finds everything in a snapshot that no host can have been in, before anything of it is restored.</summary>
internal sealed partial class SnapshotCheck(SnapshotFile snapshot, KernelProfile profile, IoasidReusePolicy reusePolicy, long memoryLimit)
{
    /// <summary>More errors than these are not told: they come from one cause.</summary>
    private const int MostErrors = 20;

    private readonly List<string> _errors = [];
    private readonly Dictionary<uint, IdEntry> _ids = [];

    /// <summary>Gets what is wrong; empty if nothing is.</summary>
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

        if (snapshot.Lifetime != profile.Lifetime || snapshot.Quirks != profile.Quirks)
        {
            Add($"it was taken under lifetime {snapshot.Lifetime} and quirks {snapshot.Quirks}, and the profile '{profile.Name}' has {profile.Lifetime} and {profile.Quirks}");
        }

        if (snapshot.LiveCount != snapshot.Ids.Count)
        {
            Add($"it says {snapshot.LiveCount} ids and has {snapshot.Ids.Count}");
        }

        if (snapshot.BindingCount != snapshot.Bindings.Count)
        {
            Add($"it says {snapshot.BindingCount} bindings and has {snapshot.Bindings.Count}");
        }

        CheckIds();
        CheckAddressSpaces();
        CheckBindings();
        CheckLeakedPasids();
        CheckReuse();
        CheckQueues();
    }

    public void Add(string error)
    {
        if (_errors.Count < MostErrors)
        {
            _errors.Add(error);
        }
    }

    private void CheckIds()
    {
        if (snapshot.Owners.Any(owner => owner is null))
        {
            Add("an owner has no name");
        }

        foreach (IdEntry id in snapshot.Ids)
        {
            if (id is null)
            {
                Add("an id is null");
                continue;
            }

            if (!_ids.TryAdd(id.Id, id))
            {
                Add($"id {id.Id} is there twice");
            }

            if (!new Ioasid(id.Id).IsValid)
            {
                Add($"{id.Id} is no id");
            }

            if (id.References < 1)
            {
                Add($"id {id.Id} has {id.References} references");
            }

            CheckIndex(id.Owner, snapshot.Owners.Count, $"the owner of id {id.Id}");
            CheckIndex(id.Binding, snapshot.Bindings.Count, $"the binding of id {id.Id}");
            if ((id.Binding is null ? 0 : 1) + (id.HasStaleBinding ? 1 : 0) + (id.Data is null ? 0 : 1) > 1)
            {
                Add($"id {id.Id} has more than one kind of data");
            }

            if (id.HasStaleBinding && !profile.Has(KernelQuirks.FailedRebindLeavesData))
            {
                Add($"id {id.Id} has stale data, which the profile does not leave");
            }

            if (id.Binding is { } binding && (uint)binding < (uint)snapshot.Bindings.Count && snapshot.Bindings[binding]?.Pasid != id.Id)
            {
                Add($"id {id.Id} leads to a binding with another PASID");
            }
        }
    }

    private void CheckAddressSpaces()
    {
        var holders = new HashSet<uint>();
        foreach (AddressSpaceEntry addressSpace in snapshot.AddressSpaces)
        {
            if (addressSpace?.Name is null)
            {
                Add("an address space has no name");
                continue;
            }

            CheckUsers(addressSpace);
            if (addressSpace.Pasid is not { } pasid)
            {
                continue;
            }

            if (profile.Lifetime == PasidLifetime.Binding)
            {
                Add($"the address space '{addressSpace.Name}' remembers a PASID, which the profile does not let it");
            }

            CheckPasid(pasid, $"the address space '{addressSpace.Name}'");
            if (!holders.Add(pasid) && !profile.Has(KernelQuirks.ForkCopiesPasid))
            {
                Add($"PASID {pasid} is remembered by two address spaces");
            }
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
            if (_ids.TryGetValue(binding.Pasid, out IdEntry? id) && id.Binding != i && !profile.Has(KernelQuirks.ForkCopiesPasid))
            {
                Add($"the data of PASID {binding.Pasid} does not lead to {what}");
            }
        }

        var used = new HashSet<int>(snapshot.Bindings.Where(b => b?.AddressSpace is not null).Select(b => b.AddressSpace!.Value));
        for (int i = 0; i < snapshot.AddressSpaces.Count; i++)
        {
            if (snapshot.AddressSpaces[i] is { Pasid: null } && !used.Contains(i))
            {
                Add($"the address space '{snapshot.AddressSpaces[i].Name}' has neither PASID nor binding");
            }
            else if (snapshot.AddressSpaces[i] is { HasLeft: true, ExtraUsers: 0, ExtraPins: 0 } && !used.Contains(i))
            {
                Add($"the address space '{snapshot.AddressSpaces[i].Name}' has exited, and nothing pins it");
            }
        }
    }

    private void CheckFlags(BindingEntry binding, string what, HashSet<int> shared)
    {
        const int Supervisor = -1;
        bool isSupervisor = (binding.Flags & SvmBindFlags.Supervisor) != 0;
        if ((binding.Flags & ~(SvmBindFlags.Private | SvmBindFlags.Supervisor)) != 0)
        {
            Add($"{what} has undefined flags");
        }

        if (isSupervisor != binding.AddressSpace is null)
        {
            Add($"{what} is the supervisor's or has an address space, and not both");
        }

        if ((binding.Flags & SvmBindFlags.Private) != 0)
        {
            return;
        }

        if (!shared.Add(binding.AddressSpace ?? Supervisor))
        {
            Add($"{what} is the second shared one of its address space");
        }

        if (binding.AddressSpace is { } index
            && profile.Lifetime == PasidLifetime.AddressSpace
            && (uint)index < (uint)snapshot.AddressSpaces.Count
            && snapshot.AddressSpaces[index]?.Pasid != binding.Pasid)
        {
            Add($"{what} has another PASID than its address space remembers");
        }
    }

    private void CheckDevices(BindingEntry binding, string what)
    {
        if (binding.Devices.Count == 0)
        {
            Add($"{what} has no devices");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (DeviceEntry device in binding.Devices)
        {
            if (device?.Device is null)
            {
                Add($"{what} has a device without a name");
                continue;
            }

            if (!names.Add(device.Device))
            {
                Add($"{what} has the device '{device.Device}' twice");
            }

            if (device.Binds < 1)
            {
                Add($"{what} has the device '{device.Device}' with {device.Binds} binds");
            }
        }
    }

    private void CheckLeakedPasids()
    {
        if (snapshot.LeakedPasids.Count != 0 && (profile.Quirks & (KernelQuirks.PrivateAndSupervisorPasidsLeak | KernelQuirks.FreeNeedsEnqcmd)) == 0)
        {
            Add("it has leaked PASIDs, and the profile does not lose any");
        }

        var seen = new HashSet<uint>();
        foreach (uint pasid in snapshot.LeakedPasids)
        {
            CheckPasid(pasid, "a leak");
            if (!seen.Add(pasid))
            {
                Add($"PASID {pasid} leaked twice");
            }
        }
    }

    private void CheckReuse()
    {
        if (snapshot.NextId != 0 && reusePolicy.Order != IoasidReuseOrder.Cyclic)
        {
            Add($"it was taken of a cyclic allocator, and this one has the policy {reusePolicy}");
        }

        IReadOnlyList<uint> held = snapshot.HeldBackIds ?? [];
        if (held.Count > reusePolicy.Frees)
        {
            Add($"it holds {held.Count} ids back, and the policy {reusePolicy} holds back {reusePolicy.Frees}");
        }

        var seen = new HashSet<uint>();
        foreach (uint id in held)
        {
            if (_ids.ContainsKey(id) || !new Ioasid(id).IsValid || !seen.Add(id))
            {
                Add($"id {id} is held back, and is live, no id or held back twice");
            }
        }
    }

    /// <summary>Under ForkCopiesPasid the number may have been freed by the other address space.</summary>
    private void CheckPasid(uint pasid, string holder)
    {
        if (!_ids.ContainsKey(pasid) && !profile.Has(KernelQuirks.ForkCopiesPasid))
        {
            Add($"{holder} has PASID {pasid}, which is not live");
        }
        else if (!new Ioasid(pasid).IsValid)
        {
            Add($"{holder} has PASID {pasid}, which is no id");
        }
    }

    private void CheckIndex(int? index, int count, string what)
    {
        if (index is { } value && (uint)value >= (uint)count)
        {
            Add($"{what} is number {value} of {count}");
        }
    }
}

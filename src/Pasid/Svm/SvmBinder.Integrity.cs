using Pasid.Internal;

namespace Pasid;

/// <content>The check of integrity: bindings against ids, address spaces, lists and counts.</content>
public sealed partial class SvmBinder
{
    /// <inheritdoc/>
    public IReadOnlyList<IntegrityFinding> CheckIntegrity()
    {
        List<IntegrityFinding> findings = [];
        PageRequestQueue[] queues = EnterStill();
        try
        {
            findings.AddRange(_ownAllocator?.CheckIntegrity() ?? []);
            var linked = new HashSet<SvmRecord>(ReferenceEqualityComparer.Instance);
            int kept = CheckAddressSpaces(linked, findings);
            CheckList(_newestOfSupervisor, owner: null, linked, findings);
            if (linked.Count != _bindingCount || kept != _keptCount)
            {
                findings.Add(new(IntegrityInvariant.CountsAgree, $"{linked.Count} bindings and {kept} address spaces are there, {_bindingCount} and {_keptCount} are counted"));
            }

            foreach (SvmRecord record in linked)
            {
                CheckBinding(record, findings);
            }

            CheckIds(linked, findings);
            CheckLeaks(findings);
            Array.ForEach(queues, queue => queue.CheckIntegrity(findings));
        }
        finally
        {
            LeaveStill(queues, nameof(CheckIntegrity));
        }

        return findings.AsReadOnly();
    }

    private int CheckAddressSpaces(HashSet<SvmRecord> linked, List<IntegrityFinding> findings)
    {
        int kept = 0;
        var holders = new Dictionary<Ioasid, AddressSpace>();
        for (AddressSpace? addressSpace = _newestKept; addressSpace is not null; addressSpace = addressSpace.KeptBefore)
        {
            kept++;
            CheckList(addressSpace.NewestRegistered, addressSpace, linked, findings);
            bool isPinned = IsPinned(addressSpace);
            if (addressSpace.IsDestroyed || (addressSpace.HasExited && !isPinned))
            {
                findings.Add(new(IntegrityInvariant.BindingsPinAddressSpaces, $"address space '{addressSpace}' is kept though nothing pins it"));
            }

            CheckUsers(addressSpace, findings);
            if (!addressSpace.Pasid.IsValid)
            {
                continue;
            }

            if (!holders.TryAdd(addressSpace.Pasid, addressSpace))
            {
                findings.Add(new(
                    IntegrityInvariant.PasidHasOneAddressSpace,
                    $"the address spaces '{holders[addressSpace.Pasid]}' and '{addressSpace}' both have PASID {addressSpace.Pasid}",
                    Profile.Quirks & KernelQuirks.ForkCopiesPasid));
            }

            if (_allocator.Lookup(addressSpace.Pasid, out _) != PasidStatus.Success)
            {
                findings.Add(new(
                    IntegrityInvariant.HeldIdsAreLive,
                    $"address space '{addressSpace}' has PASID {addressSpace.Pasid}, which is free",
                    Profile.Quirks & KernelQuirks.ForkCopiesPasid));
            }

            if (addressSpace.SharedRecord is { } shared && shared.Pasid != addressSpace.Pasid)
            {
                findings.Add(new(IntegrityInvariant.BindsAreIdempotent, $"address space '{addressSpace}' has PASID {addressSpace.Pasid} and is bound with {shared.Pasid}"));
            }
        }

        return kept;
    }

    /// <summary>Checks users against threads, and the registers of threads.</summary>
    private void CheckUsers(AddressSpace addressSpace, List<IntegrityFinding> findings)
    {
        int threads = addressSpace.Threads?.Count ?? 0;
        long expected = addressSpace.HasLeft ? 0 : 1 + threads;
        long own = Volatile.Read(ref addressSpace.UsersWord) / AddressSpace.OwnUser;
        if (own != expected || (addressSpace.HasLeft && threads != 0))
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, $"address space '{addressSpace}' counts {own} users of its own and has {expected}"));
        }

        if (addressSpace.LeakedUsers != 0)
        {
            findings.Add(new(
                IntegrityInvariant.RequestsAreAnsweredOnce,
                $"page requests left {addressSpace.LeakedUsers} users of address space '{addressSpace}' behind",
                Profile.Quirks & KernelQuirks.NonCanonicalFaultLeaksUser));
        }

        foreach (SvmThread thread in addressSpace.Threads ?? [])
        {
            if (!ReferenceEquals(thread.AddressSpace, addressSpace) || (thread.Msr.IsValid && thread.Msr.Pasid != addressSpace.Pasid))
            {
                findings.Add(new(
                    IntegrityInvariant.RegistersAreOwn,
                    $"thread '{thread}' of address space '{addressSpace}', which has PASID {addressSpace.Pasid}, has {thread.Msr} in its register"));
            }
        }
    }

    private static void CheckList(SvmRecord? newest, AddressSpace? owner, HashSet<SvmRecord> linked, List<IntegrityFinding> findings)
    {
        SvmRecord? newer = null;
        for (SvmRecord? record = newest; record is not null; newer = record, record = record.Older)
        {
            if (!linked.Add(record))
            {
                findings.Add(new(IntegrityInvariant.CountsAgree, $"the binding with PASID {record.Pasid} is in a list twice"));
                return;
            }

            if (record.Newer != newer || record.AddressSpace != owner || record.IsRegistered != owner is not null || record.Number >= (newer?.Number ?? long.MaxValue))
            {
                findings.Add(new(IntegrityInvariant.CountsAgree, $"the binding with PASID {record.Pasid} is out of its list's order"));
            }
        }
    }

    private void CheckBinding(SvmRecord record, List<IntegrityFinding> findings)
    {
        var devices = new HashSet<SvmDevice>(ReferenceEqualityComparer.Instance);
        for (SvmDeviceRecord? device = record.NewestDevice; device is not null; device = device.Older)
        {
            if (!devices.Add(device.Device))
            {
                findings.Add(new(IntegrityInvariant.BindsAreIdempotent, $"device '{device.Device}' is bound to PASID {record.Pasid} twice"));
            }

            if (device.Users < 1)
            {
                findings.Add(new(IntegrityInvariant.CountsAgree, $"device '{device.Device}' is bound to PASID {record.Pasid} with {device.Users} users"));
            }
        }

        if (devices.Count == 0 || record.Status != PasidStatus.Success)
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, $"the binding with PASID {record.Pasid} has {devices.Count} devices and answers {record.Status}"));
        }

        SvmRecord? shared = record.AddressSpace is null ? _supervisorRecord : record.AddressSpace.SharedRecord;
        if (record.IsShared != ReferenceEquals(shared, record))
        {
            findings.Add(new(IntegrityInvariant.BindsAreIdempotent, $"the binding with PASID {record.Pasid} is not the one that further devices would join"));
        }

        PasidStatus status = _allocator.Lookup(record.Pasid, out object? data);
        if (status != PasidStatus.Success || !ReferenceEquals(data, record))
        {
            findings.Add(new(
                IntegrityInvariant.HeldIdsAreLive,
                $"the data of PASID {record.Pasid} does not lead to its binding",
                Profile.Quirks & KernelQuirks.ForkCopiesPasid));
        }
    }

    /// <summary>Finds ids whose data is a binding that is over.</summary>
    private void CheckIds(HashSet<SvmRecord> linked, List<IntegrityFinding> findings)
    {
        foreach (Ioasid id in _allocator.LiveIds())
        {
            _allocator.Lookup(id, out object? data);
            if (data is SvmRecord record && ReferenceEquals(record.Binder, this) && !linked.Contains(record))
            {
                findings.Add(new(
                    IntegrityInvariant.NoStaleData,
                    $"the data of PASID {id} is a binding that is over",
                    Profile.Quirks & (KernelQuirks.FailedRebindLeavesData | KernelQuirks.ForkCopiesPasid)));
            }
        }
    }

    private void CheckLeaks(List<IntegrityFinding> findings)
    {
        KernelQuirks quirks = Profile.Quirks & (KernelQuirks.PrivateAndSupervisorPasidsLeak | (_cpuHasEnqcmd ? KernelQuirks.None : KernelQuirks.FreeNeedsEnqcmd));
        foreach (Ioasid pasid in _leakedPasids?.InOrder ?? [])
        {
            findings.Add(new(IntegrityInvariant.NothingLeaks, $"PASID {pasid} was never freed", quirks));
        }
    }
}

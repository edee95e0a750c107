namespace Pasid.Internal;

/// <summary>The check of a host: bindings against ids, address spaces, lists and counts. It walks the tables while nothing else does.</summary>
internal sealed class HostCheck(BindingEngine engine)
{
    private readonly List<IntegrityFinding> _findings = [];

    /// <summary>The bindings that were come across, each once.</summary>
    private readonly HashSet<SvmRecord> _linked = new(ReferenceEqualityComparer.Instance);

    public IReadOnlyList<IntegrityFinding> Run(string name)
    {
        using Standstill still = engine.Queues.EnterStill(name);
        _findings.AddRange(engine.Source.Own?.CheckIntegrity() ?? []);
        int kept = CheckAddressSpaces();
        CheckList(engine.Table.NewestOfSupervisor, owner: null);
        if (_linked.Count != engine.Table.Count || kept != engine.Processes.KeptCount)
        {
            Add(IntegrityInvariant.CountsAgree, $"{_linked.Count} bindings and {kept} address spaces are there, {engine.Table.Count} and {engine.Processes.KeptCount} are counted");
        }

        foreach (SvmRecord record in _linked)
        {
            CheckBinding(record);
        }

        CheckIds();
        CheckLeaks();
        foreach ((long due, long given) in still.Rings.Select(ring => ring.CountResponses()).Where(responses => responses.Due != responses.Given))
        {
            Add(IntegrityInvariant.RequestsAreAnsweredOnce, $"{due} responses were due and {given} were given");
        }

        return _findings.AsReadOnly();
    }

    private void Add(IntegrityInvariant invariant, string message, KernelQuirks quirks = KernelQuirks.None) =>
        _findings.Add(new IntegrityFinding(invariant, message, engine.Profile.Quirks & quirks));

    private int CheckAddressSpaces()
    {
        int kept = 0;
        var holders = new Dictionary<Ioasid, AddressSpace>();
        for (AddressSpace? addressSpace = engine.Processes.NewestKept; addressSpace is not null; addressSpace = addressSpace.KeptBefore)
        {
            kept++;
            CheckList(addressSpace.NewestRecord, addressSpace);
            if (addressSpace.IsDestroyed || addressSpace is { HasExited: true, IsPinned: false })
            {
                Add(IntegrityInvariant.BindingsPinAddressSpaces, $"address space '{addressSpace}' is kept though nothing pins it");
            }

            CheckUsers(addressSpace);
            if (!addressSpace.Pasid.IsValid)
            {
                continue;
            }

            if (!holders.TryAdd(addressSpace.Pasid, addressSpace))
            {
                Add(
                    IntegrityInvariant.PasidHasOneAddressSpace,
                    $"the address spaces '{holders[addressSpace.Pasid]}' and '{addressSpace}' both have PASID {addressSpace.Pasid}",
                    KernelQuirks.ForkCopiesPasid);
            }

            if (!engine.Source.TryGetData(addressSpace.Pasid, out _))
            {
                Add(
                    IntegrityInvariant.HeldIdsAreLive,
                    $"address space '{addressSpace}' has PASID {addressSpace.Pasid}, which is free",
                    KernelQuirks.ForkCopiesPasid);
            }

            if (addressSpace.SharedRecord is { } shared && shared.Pasid != addressSpace.Pasid)
            {
                Add(IntegrityInvariant.BindsAreIdempotent, $"address space '{addressSpace}' has PASID {addressSpace.Pasid} and is bound with {shared.Pasid}");
            }
        }

        return kept;
    }

    /// <summary>Checks users against threads, and the registers of threads.</summary>
    private void CheckUsers(AddressSpace addressSpace)
    {
        int threads = addressSpace.Threads?.Count ?? 0;
        long expected = addressSpace.OwnUsers;
        long own = addressSpace.UserCount.Own;
        if (own != expected || (addressSpace.HasLeft && threads != 0))
        {
            Add(IntegrityInvariant.CountsAgree, $"address space '{addressSpace}' counts {own} users of its own and has {expected}");
        }

        if (addressSpace.LeakedUsers != 0)
        {
            Add(
                IntegrityInvariant.RequestsAreAnsweredOnce,
                $"page requests left {addressSpace.LeakedUsers} users of address space '{addressSpace}' behind",
                KernelQuirks.NonCanonicalFaultLeaksUser);
        }

        foreach (SvmThread thread in addressSpace.Threads ?? [])
        {
            if (!ReferenceEquals(thread.AddressSpace, addressSpace) || (thread.Msr.IsValid && thread.Msr.Pasid != addressSpace.Pasid))
            {
                Add(
                    IntegrityInvariant.RegistersAreOwn,
                    $"thread '{thread}' of address space '{addressSpace}', which has PASID {addressSpace.Pasid}, has {thread.Msr} in its register");
            }
        }
    }

    private void CheckList(SvmRecord? newest, AddressSpace? owner)
    {
        SvmRecord? newer = null;
        for (SvmRecord? record = newest; record is not null; newer = record, record = record.OlderRecord)
        {
            if (!_linked.Add(record))
            {
                Add(IntegrityInvariant.CountsAgree, $"the binding with PASID {record.Pasid} is in a list twice");
                return;
            }

            if (!ReferenceEquals(record.Newer, newer) || record.AddressSpace != owner || record.IsRegistered != owner is not null || record.Number >= (newer?.Number ?? long.MaxValue))
            {
                Add(IntegrityInvariant.CountsAgree, $"the binding with PASID {record.Pasid} is out of its list's order");
            }
        }
    }

    private void CheckBinding(SvmRecord record)
    {
        var devices = new HashSet<SvmDevice>(ReferenceEqualityComparer.Instance);
        for (SvmDeviceRecord? device = record.NewestDevice; device is not null; device = device.Older)
        {
            if (!devices.Add(device.Device))
            {
                Add(IntegrityInvariant.BindsAreIdempotent, $"device '{device.Device}' is bound to PASID {record.Pasid} twice");
            }

            if (device.Users < 1)
            {
                Add(IntegrityInvariant.CountsAgree, $"device '{device.Device}' is bound to PASID {record.Pasid} with {device.Users} users");
            }
        }

        if (devices.Count == 0 || record.Status != PasidStatus.Success)
        {
            Add(IntegrityInvariant.CountsAgree, $"the binding with PASID {record.Pasid} has {devices.Count} devices and answers {record.Status}");
        }

        SvmRecord? shared = engine.Table.FindShared(record.AddressSpace);
        if (record.IsShared != ReferenceEquals(shared, record))
        {
            Add(IntegrityInvariant.BindsAreIdempotent, $"the binding with PASID {record.Pasid} is not the one that further devices would join");
        }

        if (!engine.Source.TryGetData(record.Pasid, out object? data) || !ReferenceEquals(data, record))
        {
            Add(
                IntegrityInvariant.HeldIdsAreLive,
                $"the data of PASID {record.Pasid} does not lead to its binding",
                KernelQuirks.ForkCopiesPasid);
        }
    }

    /// <summary>Finds ids whose data is a binding that is over.</summary>
    private void CheckIds()
    {
        foreach (Ioasid id in engine.Source.LiveIds())
        {
            engine.Source.TryGetData(id, out object? data);
            if (data is SvmRecord record && ReferenceEquals(record.Engine, engine) && !_linked.Contains(record))
            {
                Add(
                    IntegrityInvariant.NoStaleData,
                    $"the data of PASID {id} is a binding that is over",
                    KernelQuirks.FailedRebindLeavesData | KernelQuirks.ForkCopiesPasid);
            }
        }
    }

    private void CheckLeaks()
    {
        KernelQuirks quirks = KernelQuirks.PrivateAndSupervisorPasidsLeak | (engine.Processes.Cpu.IsEnqcmdEnabled ? KernelQuirks.None : KernelQuirks.FreeNeedsEnqcmd);
        foreach (Ioasid pasid in engine.Numbers.Leaked?.InOrder ?? [])
        {
            Add(IntegrityInvariant.NothingLeaks, $"PASID {pasid} was never freed", quirks);
        }
    }
}

using Pasid.Internal;

namespace Pasid;

/// <content>Snapshots: copied and swapped inside the gate, named and checked outside.</content>
public sealed partial class SvmBinder
{
    /// <summary>Set while a restore changes everything: lookups see the bindings of before until they are released, and those of
    /// afterwards once all is there; who comes upon one in between waits for the end.</summary>
    private volatile bool _isRestoring;

    /// <inheritdoc/>
    public PasidSnapshot CaptureSnapshot(PasidSnapshotMap? map = null)
    {
        IoasidAllocator allocator = OwnAllocator();
        var state = new HostState();
        PageRequestQueue[] queues = EnterStill();
        try
        {
            ThrowIfDisposed();
            HoldProcessesStill(queues, []);
            try
            {
                Picture(allocator, queues, state);
            }
            finally
            {
                LetProcessesGo(queues, []);
            }
        }
        finally
        {
            LeaveStill(queues, nameof(CaptureSnapshot));
        }

        PasidSnapshot snapshot = new SnapshotWriter(this, state, map ?? new PasidSnapshotMap()).Write();
        _logger?.SnapshotCaptured(snapshot.LiveCount, snapshot.BindingCount);
        return snapshot;
    }

    /// <inheritdoc/>
    public IReadOnlyList<AddressSpace> Restore(PasidSnapshot snapshot, PasidSnapshotMap? map = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        IoasidAllocator allocator = OwnAllocator();
        var reader = new SnapshotReader(this, allocator.ReusePolicy, snapshot.File, map ?? new PasidSnapshotMap());
        reader.Read();
        if (reader.Errors.Count != 0)
        {
            throw Refused(string.Join("; ", reader.Errors));
        }

        // All that can fail comes before the first change, or is the first: what makes objects, what others have to say, what may have
        // changed since.
        IoasidTable table = allocator.MakeTable(reader.Ids, snapshot.File.NextId, snapshot.File.HeldBackIds ?? []);
        var leaked = new LeakedPasids();
        foreach (uint pasid in snapshot.File.LeakedPasids)
        {
            leaked.Add(new Ioasid(pasid));
        }

        string? refusal;
        PageRequestQueue[] queues = EnterStill();
        try
        {
            ThrowIfDisposed();
            refusal = CheckQueues(queues, reader.Queues);
            if (refusal is null)
            {
                Replace(allocator, table, queues, reader, leaked);
            }
        }
        finally
        {
            LeaveStill(queues, nameof(Restore));
        }

        if (refusal is not null)
        {
            throw Refused(refusal);
        }

        _logger?.SnapshotRestored(snapshot.LiveCount, snapshot.BindingCount);
        return reader.AddressSpaces.AsReadOnly();
    }

    /// <summary>Has everything stand still that changes without the gate: registers and portals, users, and what comes into the queues.
    /// Nothing is called, and nothing waited for but gates that are held for a few instructions.</summary>
    private void HoldProcessesStill(PageRequestQueue[] queues, List<AddressSpace> others)
    {
        _mappingGate.Enter();
        for (AddressSpace? kept = _newestKept; kept is not null; kept = kept.KeptBefore)
        {
            kept.HoldUsersStill();
        }

        others.ForEach(static addressSpace => addressSpace.HoldUsersStill());
        Array.ForEach(queues, static queue => queue.EnterRing());
    }

    private void LetProcessesGo(PageRequestQueue[] queues, List<AddressSpace> others)
    {
        Array.ForEach(queues, static queue => queue.LeaveRing());
        others.ForEach(static addressSpace => addressSpace.LetUsersGo());
        for (AddressSpace? kept = _newestKept; kept is not null; kept = kept.KeptBefore)
        {
            kept.LetUsersGo();
        }

        _mappingGate.Leave();
    }

    private void Picture(IoasidAllocator allocator, PageRequestQueue[] queues, HostState state)
    {
        for (AddressSpace? kept = _newestKept; kept is not null; kept = kept.KeptBefore)
        {
            state.AddressSpaces.Add(Picture(kept));
        }

        state.Bindings = CollectRecords().ConvertAll(record => new HostState.Binding(record, record.Pasid, record.FirstDevice, PictureDevices(record)));
        state.Leaked.AddRange(_leakedPasids?.InOrder ?? []);
        foreach (PageRequestQueue queue in queues)
        {
            state.Queues.Add(new HostState.Queue(queue.CopyUnsynchronized(out bool hasOverflowed), hasOverflowed));
        }

        state.Ids = allocator.CopyLiveIds(EnsureHolder(allocator), out uint next, out uint[] held);
        state.NextId = next;
        state.HeldIds = held;
    }

    private static HostState.Space Picture(AddressSpace addressSpace) => new(
        addressSpace,
        addressSpace.Pasid,
        addressSpace.HasLeft,
        addressSpace.Guests,
        addressSpace.LeakedUsers,
        addressSpace.ExtraPins,
        [.. addressSpace.Threads?.Select(thread => (thread.Name, thread.Msr)) ?? []],
        addressSpace.CopyPortalsUnsynchronized());

    private PasidHolder EnsureHolder(IoasidAllocator allocator)
    {
        if (_holder is null)
        {
            var holder = new PasidHolder();
            allocator.Join(holder);
            _holder = holder;
        }

        return _holder;
    }

    /// <summary>Puts what a reader has made in the place of everything; only the allocator can refuse that, and before anything changes.</summary>
    private void Replace(IoasidAllocator allocator, IoasidTable table, PageRequestQueue[] queues, SnapshotReader reader, LeakedPasids leaked)
    {
        List<AddressSpace> others = [.. reader.AddressSpaces];
        for (AddressSpace? kept = _newestKept; kept is not null; kept = kept.KeptBefore)
        {
            others.Add(kept);
        }

        CustomRegistry registry = allocator.EnterForReplacement();
        HoldProcessesStill(queues, others);
        try
        {
            _isRestoring = true;
            allocator.ReplaceUnsynchronized(registry, table, EnsureHolder(allocator));
            _holder!.Load(reader.HeldPasids);
            Forget();
            for (int i = 0; i < reader.AddressSpaces.Count; i++)
            {
                Load(reader.AddressSpaces[i], reader.Processes[i]);
            }

            foreach (SvmRecord record in reader.Records)
            {
                if (record.AddressSpace is { } addressSpace)
                {
                    record.IsRegistered = true;
                    SvmRecordList.Add(ref addressSpace.NewestRegistered, record);
                }
            }

            // In the order of the snapshot, and not in that of the bindings.
            reader.AddressSpaces.ForEach(UpdateKept);
            foreach (SvmRecord record in reader.Records)
            {
                Link(record);
                record.Publish();
            }

            for (int i = 0; i < reader.Queues.Count; i++)
            {
                queues[i].LoadUnsynchronized(reader.Queues[i].Requests, reader.Queues[i].HasOverflowed);
            }

            _leakedPasids = leaked;
        }
        finally
        {
            _isRestoring = false;
            LetProcessesGo(queues, others);
            registry.Leave();
        }
    }

    private static void Load(AddressSpace addressSpace, SnapshotReader.Process process)
    {
        AddressSpaceEntry picture = process.Picture;
        addressSpace.Threads?.ForEach(static thread => thread.HasExited = true);
        addressSpace.Pasid = picture.Pasid is { } pasid ? new Ioasid(pasid) : Ioasid.Invalid;
        addressSpace.IsDestroyed = false;
        addressSpace.SpareRecord = null;
        addressSpace.Load(picture.HasLeft, picture.ExtraUsers, picture.LeakedUsers, picture.ExtraPins, process.Threads);
        addressSpace.LoadPortalsUnsynchronized(process.Portals);
    }

    /// <summary>Queues are attached by whoever makes the hardware; a restore fills those that are there.</summary>
    private static string? CheckQueues(PageRequestQueue[] attached, List<HostState.Queue> queues)
    {
        for (int i = 0; i < queues.Count; i++)
        {
            string? reason = i >= attached.Length ? $"it has {queues.Count} page request queues, and {attached.Length} are attached"
                : queues[i].Requests.Length >= attached[i].Capacity ? $"page request queue {i} has {queues[i].Requests.Length} requests, and room for {attached[i].Capacity - 1}"
                : null;
            if (reason is not null)
            {
                return reason;
            }
        }

        return null;
    }

    private FormatException Refused(string reason)
    {
        _logger?.SnapshotRefused(reason);
        return new FormatException($"The snapshot cannot be restored: {reason}.");
    }

    private IoasidAllocator OwnAllocator() => _ownAllocator
        ?? throw new InvalidOperationException($"Only the state of an {nameof(IoasidAllocator)} can be captured and restored, and this binder is over another allocator.");

    /// <summary>Lets go of everything that is bound, without a word to anybody: a restore goes on from elsewhere.</summary>
    private void Forget()
    {
        while (_newestKept is { } addressSpace)
        {
            addressSpace.Pasid = Ioasid.Invalid;
            addressSpace.IsDestroyed = addressSpace is { HasExited: true, ExtraPins: 0 };
            addressSpace.Threads?.ForEach(static thread => thread.Load(default));
            Release(addressSpace.NewestRegistered);
            addressSpace.NewestRegistered = null;
            addressSpace.SharedRecord = null;
            addressSpace.SpareRecord = null;
            UpdateKept(addressSpace);
        }

        Release(_newestOfSupervisor);
        _newestOfSupervisor = null;
        _supervisorRecord = null;
        _bindingCount = 0;
    }

    /// <summary>Has lookups that came to a binding by the table of before look again.</summary>
    private static void Release(SvmRecord? newest)
    {
        for (SvmRecord? record = newest; record is not null; record = record.Older)
        {
            record.Release(PasidStatus.InvalidArgument);
        }
    }
}

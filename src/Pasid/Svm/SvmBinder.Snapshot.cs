using Pasid.Internal;

namespace Pasid;

/// <content>Snapshots: copied and swapped inside the gate, named and checked outside.</content>
public sealed partial class SvmBinder
{
    /// <inheritdoc/>
    public PasidSnapshot CaptureSnapshot(PasidSnapshotMap? map = null)
    {
        IoasidAllocator allocator = OwnAllocator();
        var state = new HostState();
        Enter();
        try
        {
            state.Ids = allocator.CopyLiveIds(out uint next, out uint[] held);
            state.NextId = next;
            state.HeldIds = held;
            for (AddressSpace? kept = _newestKept; kept is not null; kept = kept.KeptBefore)
            {
                state.AddressSpaces.Add(Picture(kept));
            }

            state.Bindings = CollectRecords().ConvertAll(record => new HostState.Binding(record, record.Pasid, record.FirstDevice, PictureDevices(record)));
            state.Leaked.AddRange(_leakedPasids ?? []);
            _queues?.ForEach(queue => state.Queues.Add(new HostState.Queue(queue.Copy(out bool hasOverflowed), hasOverflowed)));
        }
        finally
        {
            Exit(nameof(CaptureSnapshot));
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
        var reader = new SnapshotReader(this, allocator.ReusePolicy, snapshot, map ?? new PasidSnapshotMap());
        reader.Read();
        if (reader.Errors.Count != 0)
        {
            string reason = string.Join("; ", reader.Errors);
            throw Refused(reason);
        }

        CheckQueues(reader.Queues);

        // What may run out of memory comes before the first change.
        IoasidTable table = allocator.MakeTable(reader.Ids, snapshot.NextId, snapshot.HeldIds ?? []);
        List<Ioasid> leaked = [.. snapshot.LeakedPasids.Select(pasid => new Ioasid(pasid))];
        Enter();
        try
        {
            allocator.Replace(table);
            Forget();
            foreach ((AddressSpace addressSpace, AddressSpaceSnapshot picture) in reader.AddressSpaces.Zip(snapshot.AddressSpaces))
            {
                addressSpace.Pasid = picture.Pasid is { } pasid ? new Ioasid(pasid) : Ioasid.Invalid;
                addressSpace.IsDestroyed = false;
                addressSpace.SpareRecord = null;
                Load(addressSpace, picture, reader.Portals);
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
            reader.Records.ForEach(Link);

            for (int i = 0; i < reader.Queues.Count; i++)
            {
                _queues![i].Load(reader.Queues[i].Requests, reader.Queues[i].HasOverflowed);
            }

            _leakedPasids = leaked;
            _loggedLeaks = leaked.Count;
        }
        finally
        {
            Exit(nameof(Restore));
        }

        _logger?.SnapshotRestored(snapshot.LiveCount, snapshot.BindingCount);
        return reader.AddressSpaces.AsReadOnly();
    }

    private static HostState.Space Picture(AddressSpace addressSpace) => new(
        addressSpace,
        addressSpace.Pasid,
        addressSpace.HasLeft,
        (int)(uint)Volatile.Read(ref addressSpace.UsersWord),
        addressSpace.LeakedUsers,
        addressSpace.ExtraPins,
        [.. addressSpace.Threads?.Select(thread => (thread.Name, thread.Msr)) ?? []],
        addressSpace.Portals.ToArray());

    private static void Load(AddressSpace addressSpace, AddressSpaceSnapshot picture, Dictionary<string, IEnqcmdPortal> portals)
    {
        addressSpace.Threads?.ForEach(static thread => thread.HasExited = true);
        List<SvmThread>? threads = picture.Threads is { Count: > 0 } pictured
            ? [.. pictured.Select(thread => new SvmThread(addressSpace, thread.Name, new PasidMsr(thread.Msr)))]
            : null;
        addressSpace.Load(picture.HasExited, picture.Guests, picture.LeakedUsers, picture.ExtraPins, threads);
        addressSpace.Unmap();
        foreach (PortalSnapshot portal in picture.Portals ?? [])
        {
            addressSpace.Portals.Map(portal.Address, portals[portal.Portal]);
        }
    }

    /// <summary>Queues are attached by whoever makes the hardware; a restore fills those that are there.</summary>
    private void CheckQueues(List<HostState.Queue> queues)
    {
        int attached = _queues?.Count ?? 0;
        for (int i = 0; i < queues.Count; i++)
        {
            string? reason = i >= attached ? $"it has {queues.Count} page request queues, and {attached} are attached"
                : queues[i].Requests.Length >= _queues![i].Capacity ? $"page request queue {i} has {queues[i].Requests.Length} requests, and room for {_queues[i].Capacity - 1}"
                : null;
            if (reason is not null)
            {
                throw Refused(reason);
            }
        }
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
            addressSpace.IsDestroyed = addressSpace.HasExited;
            addressSpace.Threads?.ForEach(thread => thread.Load(default));
            addressSpace.NewestRegistered = null;
            addressSpace.SharedRecord = null;
            addressSpace.SpareRecord = null;
            UpdateKept(addressSpace);
        }

        _newestOfSupervisor = null;
        _supervisorRecord = null;
        _bindingCount = 0;
    }
}

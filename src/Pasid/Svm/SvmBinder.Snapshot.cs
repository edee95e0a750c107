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
                state.AddressSpaces.Add(new HostState.Space(kept, kept.Pasid, kept.HasExited));
            }

            state.Bindings = CollectRecords().ConvertAll(record => new HostState.Binding(record, record.Pasid, record.FirstDevice, PictureDevices(record)));
            state.Leaked.AddRange(_leakedPasids ?? []);
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
            _logger?.SnapshotRefused(reason);
            throw new FormatException($"The snapshot cannot be restored: {reason}.");
        }

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
                addressSpace.HasExited = picture.HasExited;
                addressSpace.IsDestroyed = false;
                addressSpace.SpareRecord = null;
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

    private IoasidAllocator OwnAllocator() => _ownAllocator
        ?? throw new InvalidOperationException($"Only the state of an {nameof(IoasidAllocator)} can be captured and restored, and this binder is over another allocator.");

    /// <summary>Lets go of everything that is bound, without a word to anybody: a restore goes on from elsewhere.</summary>
    private void Forget()
    {
        while (_newestKept is { } addressSpace)
        {
            addressSpace.Pasid = Ioasid.Invalid;
            addressSpace.IsDestroyed = addressSpace.HasExited;
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

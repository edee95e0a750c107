namespace Pasid.Internal;

/// <summary>
/// Brings a host into the state of a snapshot. All that can fail comes before the first change, or is the first: what makes objects,
/// what others have to say, what may have changed since.
/// </summary>
internal sealed class HostRestore(BindingEngine engine, IoasidAllocator allocator, SnapshotReader reader)
{
    /// <summary>Restores everything, as one moment.</summary>
    /// <returns>Why it was refused, with nothing changed; <see langword="null"/> if it was not.</returns>
    public string? Run(string name)
    {
        IoasidTable table = allocator.Active.MakeTable(reader.Ids, reader.NextId, reader.HeldIds);
        using Standstill still = engine.Queues.EnterStill(name);
        engine.Processes.Gate.ThrowIfDisposed();
        string? refusal = CheckQueues(still.Rings);
        if (refusal is null)
        {
            Replace(table, still.Rings);
        }

        return refusal;
    }

    /// <summary>Queues are attached by whoever makes the hardware; a restore fills those that are there.</summary>
    private string? CheckQueues(RequestRing[] attached) => reader.Queues
        .Select((queue, i) => i >= attached.Length ? $"it has {reader.Queues.Count} page request queues, and {attached.Length} are attached"
            : queue.Iommu is not null && queue.Iommu != attached[i].Iommu.Name ? $"page request queue {i} is that of the IOMMU '{queue.Iommu}', and the one attached that of '{attached[i].Iommu.Name}'"
            : queue.Requests.Length >= attached[i].Registers.Capacity ? $"page request queue {i} has {queue.Requests.Length} requests, and room for {attached[i].Registers.Capacity - 1}"
            : null)
        .FirstOrDefault(static reason => reason is not null);

    /// <summary>Puts what the reader has made in the place of everything; only the allocator can refuse that, and before anything changes.</summary>
    private void Replace(IoasidTable table, RequestRing[] rings)
    {
        List<AddressSpace> others = [.. reader.AddressSpaces];
        for (AddressSpace? kept = engine.Processes.NewestKept; kept is not null; kept = kept.KeptBefore)
        {
            others.Add(kept);
        }

        using GateTurn turn = allocator.Active.EnterForReplacement();
        engine.Processes.HoldStill(others);
        Array.ForEach(rings, static ring => ring.Enter());
        try
        {
            engine.Lookup.IsRestoring = true;
            allocator.Active.Replace(table, engine.Source.Holder);
            engine.Source.Holder.Set(reader.HeldPasids);
            Forget();
            reader.Processes.ForEach(Load);

            // In the order of the snapshot, and not in that of the bindings.
            reader.Records.ForEach(Reattach);
            reader.AddressSpaces.ForEach(engine.Processes.UpdateKept);
            reader.Records.ForEach(Republish);
            for (int i = 0; i < reader.Queues.Count; i++)
            {
                rings[i].ReplaceUnsynchronized(reader.Queues[i]);
            }

            // What waits in a queue that came later is for nobody that there is now; nor is what is being put in.
            Array.ForEach(rings[reader.Queues.Count..], static ring => ring.ReplaceUnsynchronized(new RequestRingState([], Iommu: null, 0, IsPending: false, HasOverflowed: false, IsDead: false)));
            engine.Queues.CountTearDown();

            engine.Numbers.Leaked = reader.Leaked;
        }
        finally
        {
            engine.Lookup.IsRestoring = false;
            Array.ForEach(rings, static ring => ring.Leave());
            engine.Processes.LetGo(others);
        }
    }

    /// <summary>Lets go of everything that is bound, without a word to anybody: the host goes on from elsewhere.</summary>
    private void Forget()
    {
        engine.Table.Clear();
        while (engine.Processes.NewestKept is { } addressSpace)
        {
            addressSpace.Pasid = Ioasid.Invalid;
            addressSpace.IsDestroyed = addressSpace is { HasExited: true, ExtraPins: 0 };
            addressSpace.Threads?.ForEach(static thread => thread.Load(default));
            BindingTable.Release(addressSpace.NewestNotifier);
            addressSpace.NewestNotifier = null;
            addressSpace.Shared = null;
            addressSpace.Spare = null;
            engine.Processes.UpdateKept(addressSpace);
        }
    }

    /// <summary>Registers a binding with its address space.</summary>
    private static void Reattach(SvmRecord record)
    {
        if (record.AddressSpace is { } addressSpace)
        {
            record.IsRegistered = true;
            NotifierList.Add(ref addressSpace.NewestNotifier, record);
        }
    }

    /// <summary>Lets lookups and binds find a binding; the oldest comes first.</summary>
    private void Republish(SvmRecord record)
    {
        engine.Link(record);
        record.Publish();
    }

    private static void Load(SnapshotReader.Process process)
    {
        AddressSpace addressSpace = process.AddressSpace;
        AddressSpaceEntry picture = process.Picture;
        addressSpace.Threads?.ForEach(static thread => thread.HasExited = true);
        addressSpace.Pasid = picture.Pasid is { } pasid ? new Ioasid(pasid) : Ioasid.Invalid;
        addressSpace.IsDestroyed = false;
        addressSpace.Spare = null;
        addressSpace.SetLife(picture.HasLeft, picture.ExtraUsers, picture.LeakedUsers, picture.ExtraPins, process.Threads);
        addressSpace.ReplacePortalsUnsynchronized(process.Portals);
    }
}

using Pasid.Internal;

namespace Pasid;

public sealed partial class IoasidAllocator
{
    /// <inheritdoc/>
    public PasidStatus Register(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        IoasidTable active = Volatile.Read(ref _active) ?? MakeDefault();
        ThrowIfInsideFunction(active);

        // Without a registry the active table is the default one.
        CustomRegistry registry = EnsureAnnex().EnsureRegistry(active);
        PasidStatus status = RegisterIn(registry, customAllocator);
        if (status == PasidStatus.Success)
        {
            Logger?.CustomAllocatorRegistered(customAllocator.Name);
            return status;
        }

        CountFailure(status);
        Logger?.CustomAllocatorRefused(customAllocator.Name, status);
        return status;
    }

    private PasidStatus RegisterIn(CustomRegistry registry, CustomIoasidAllocator customAllocator)
    {
        registry.Enter();
        try
        {
            if (registry.Groups.Count == 0)
            {
                return TryReplaceDefault(registry, customAllocator) ? PasidStatus.Success : PasidStatus.TryAgain;
            }

            foreach (CustomGroup group in registry.Groups)
            {
                if (ReferenceEquals(group.Founder, customAllocator) || group.Contains(customAllocator))
                {
                    return PasidStatus.AlreadyExists;
                }

                if (ReferenceEquals(group.Founder.Functions, customAllocator.Functions))
                {
                    group.Join(customAllocator);
                    return PasidStatus.Success;
                }
            }

            registry.Groups.Add(new CustomGroup(customAllocator));
            return PasidStatus.Success;
        }
        finally
        {
            registry.Leave();
        }
    }

    /// <inheritdoc/>
    public PasidStatus Unregister(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        PasidStatus status = PasidStatus.NotFound;
        long orphans = 0;
        if (Volatile.Read(ref _annex)?.Registry is { } registry)
        {
            ThrowIfInsideFunction(Volatile.Read(ref _active)!);
            status = UnregisterIn(registry, customAllocator, out orphans);
        }

        if (status != PasidStatus.Success)
        {
            CountFailure(status);
            Logger?.CustomAllocatorUnknown(customAllocator.Name);
            return status;
        }

        Logger?.CustomAllocatorUnregistered(customAllocator.Name);
        if (orphans != 0)
        {
            Logger?.IdsOrphaned(customAllocator.Name, orphans);
        }

        return status;
    }

    private PasidStatus UnregisterIn(CustomRegistry registry, CustomIoasidAllocator customAllocator, out long orphans)
    {
        orphans = 0;
        registry.Enter();
        try
        {
            CustomGroup? group = registry.Groups.Find(g => ReferenceEquals(g.Founder.Functions, customAllocator.Functions));
            if (group is null)
            {
                return PasidStatus.NotFound;
            }

            if (!group.IsLastMember)
            {
                return group.Leave(customAllocator) ? PasidStatus.Success : PasidStatus.NotFound;
            }

            registry.Groups.Remove(group);
            if (ReferenceEquals(group.Table, _active))
            {
                // A call that is under way in the functions goes to its end first.
                group.Enter();
                orphans = group.Table.LiveCount;
                Activate(registry.Groups.Count == 0 ? registry.DefaultTable : registry.Groups[0].Table, group.Table);
                group.Leave();
            }

            return PasidStatus.Success;
        }
        finally
        {
            registry.Leave();
        }
    }

    /// <summary>Puts a table in the place of one that is active and never will be again; the gates of the registry and of that
    /// table are held.</summary>
    private void Activate(IoasidTable table, IoasidTable going)
    {
        _annex!.CountAsPast(going);
        Volatile.Write(ref _active, table);
        _annex.ForgetPastTable();
    }

    /// <summary>Lets the functions of the active group choose an id; its gate is held.</summary>
    private static long AllocateCustom(CustomGroup group, IoasidRange range, IoasidSet? ioasidSet, object? data)
    {
        Ioasid chosen = group.Allocate(range);
        if (!chosen.IsValid)
        {
            return -1;
        }

        bool isRecorded = false;
        try
        {
            isRecorded = range.Contains(chosen) && group.Table.InsertUnsynchronized(chosen.Value, ioasidSet, data);
        }
        finally
        {
            if (!isRecorded)
            {
                group.Free(chosen.Value);
            }
        }

        return isRecorded ? chosen.Value : -1;
    }

    private static void ThrowIfInsideFunction(IoasidTable table)
    {
        if (table.Group is { IsEnteredByCurrentThread: true })
        {
            Throw.CalledFromCallback("The allocator");
        }
    }

    private bool TryReplaceDefault(CustomRegistry registry, CustomIoasidAllocator founder)
    {
        var group = new CustomGroup(founder);
        registry.Groups.Add(group);
        registry.DefaultTable.Enter();
        bool isEmpty = registry.DefaultTable.LiveCount == 0;
        if (isEmpty)
        {
            Volatile.Write(ref _active, group.Table);
        }

        registry.DefaultTable.Leave();
        if (!isEmpty)
        {
            registry.Groups.Clear();
        }

        return isEmpty;
    }
}

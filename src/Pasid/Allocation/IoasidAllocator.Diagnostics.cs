using System.Collections.ObjectModel;
using System.Runtime.CompilerServices;
using Pasid.Internal;

namespace Pasid;

/// <content>What is counted, and what is logged once the gates are left.</content>
public sealed partial class IoasidAllocator
{
    /// <summary>Gets what the allocator has done so far.</summary>
    /// <returns>A picture that no later call changes.</returns>
    /// <remarks>Takes no lock.</remarks>
    public IoasidStatistics GetStatistics()
    {
        while (true)
        {
            IoasidTable? active = Volatile.Read(ref _active);
            AllocatorAnnex? annex = Volatile.Read(ref _annex);
            AllocatorAnnex.PastCounts? past = annex?.Past;
            long allocations = 0;
            long frees = 0;
            active?.GetCounts(out allocations, out frees);

            // While a custom allocator is active, no id of the default table is live, and it does not change.
            if (active?.Group is not null && annex?.Registry is { } registry)
            {
                registry.DefaultTable.GetCounts(out long defaultAllocations, out long defaultFrees);
                allocations += defaultAllocations;
                frees += defaultFrees;
            }

            // The annex anew: the first custom allocator, which made it, may have come and gone meanwhile.
            if (ReferenceEquals(active, Volatile.Read(ref _active)) && ReferenceEquals(past, Volatile.Read(ref _annex)?.Past))
            {
                long pastIds = past?.CountUnder(active) ?? 0;
                return new IoasidStatistics(
                    allocations + pastIds,
                    frees + pastIds,
                    annex?.Failures.Defined() ?? ReadOnlyDictionary<PasidStatus, long>.Empty);
            }
        }
    }

    /// <summary>Walks the active table, which stands still meanwhile, and finds what does not agree.</summary>
    internal List<TableDamage> FindDamage()
    {
        List<TableDamage> damage = [];
        IoasidTable table = EnterActive();
        try
        {
            table.CheckUnsynchronized(damage);
        }
        finally
        {
            LeaveActive(table);
        }

        return damage;
    }

    /// <summary>Allocates when the fast way is not open; the only way for an allocator that logs.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateSlowly(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        bool isAllocated = TryAllocateUnlogged(range, ioasidSet, data, out id);
        if (isAllocated)
        {
            Logger?.Allocated(id, range);
        }
        else
        {
            Logger?.NoFreeId(range);
        }

        return isAllocated;
    }

    internal bool TryAllocateUnlogged(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id) =>
        TryAllocateInside(EnterActive(), range, ioasidSet, data, out id);

    /// <summary>Frees when the fast way is not open; the only way for an allocator that logs.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus FreeSlowly(Ioasid id)
    {
        PasidStatus status = FreeUnlogged(id);
        if (status == PasidStatus.Success)
        {
            Logger?.Freed(id);
        }
        else if (status == PasidStatus.Busy)
        {
            Logger?.IdStillReferenced(id);
        }

        return LogIfNotAllocated(status, nameof(Free), id);
    }

    internal PasidStatus FreeUnlogged(Ioasid id) => FreeInside(EnterActive(), id);

    private PasidStatus LogIfNotAllocated(PasidStatus status, string operation, Ioasid id)
    {
        if (status == PasidStatus.NotFound)
        {
            Logger?.IdNotAllocated(operation, id);
        }

        return status;
    }

    private PasidStatus CountFailure(PasidStatus status)
    {
        EnsureAnnex().Failures.Count(status);
        return status;
    }
}

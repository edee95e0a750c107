using System.Collections.ObjectModel;

namespace Pasid.Internal;

/// <summary>
/// The id space that the calls of one allocator go to, the way into its gate, and what else an allocator has that most never
/// need.
/// </summary>
internal partial struct ActiveTable
{
    /// <summary>The default id space, or that of the group at the head of the queue. <see langword="null"/> until it is needed,
    /// which keeps an allocator that never allocates small. Changed only with the gate of the table that it leaves held.</summary>
    public IoasidTable? Table;

    /// <summary>What most allocators never need; <see langword="null"/> until it is.</summary>
    public AllocatorAnnex? Annex;

    public readonly IoasidReusePolicy Policy => Annex?.ReusePolicy ?? IoasidReusePolicy.LowestFirst;

    public AllocatorAnnex EnsureAnnex() =>
        Volatile.Read(ref Annex) ?? Interlocked.CompareExchange(ref Annex, new AllocatorAnnex(logger: null, IoasidReusePolicy.LowestFirst), null) ?? Annex;

    /// <summary>Enters the gate of the active table.</summary>
    public IoasidTable Enter()
    {
        while (true)
        {
            IoasidTable table = Volatile.Read(ref Table) ?? MakeDefault();
            if (table.Group is null)
            {
                table.Enter();
            }
            else
            {
                table.Group.Enter();
            }

            // Another thread may have registered or unregistered between the read and the gate.
            if (ReferenceEquals(table, Table))
            {
                return table;
            }

            Leave(table);
        }
    }

    /// <summary>Enters the gate of the active table, unless a function of this very table is asking.</summary>
    public IoasidTable EnterToRead(out bool isEntered)
    {
        IoasidTable? table = Volatile.Read(ref Table);
        isEntered = table?.Group is not { IsEnteredByCurrentThread: true };
        return isEntered ? Enter() : table!;
    }

    public static void Leave(IoasidTable table)
    {
        if (table.Group is null)
        {
            table.Leave();
        }
        else
        {
            table.Group.Leave();
        }
    }

    public IoasidTable MakeDefault()
    {
        var table = new IoasidTable(group: null, isLogged: Annex?.Logger is not null, Policy);
        return Interlocked.CompareExchange(ref Table, table, null) ?? table;
    }

    /// <summary>Puts a table in the place of one that is active and never will be again; the gates of the registry and of that
    /// table are held.</summary>
    public void Activate(IoasidTable table, IoasidTable going)
    {
        Annex!.CountAsPast(going);
        Volatile.Write(ref Table, table);
        Annex.ForgetPastTable();
    }

    /// <summary>Gets what the allocator has done so far.</summary>
    public IoasidStatistics GetStatistics()
    {
        while (true)
        {
            IoasidTable? active = Volatile.Read(ref Table);
            AllocatorAnnex? annex = Volatile.Read(ref Annex);
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
            if (ReferenceEquals(active, Volatile.Read(ref Table)) && ReferenceEquals(past, Volatile.Read(ref Annex)?.Past))
            {
                long pastIds = past?.CountUnder(active) ?? 0;
                return new IoasidStatistics(
                    allocations + pastIds,
                    frees + pastIds,
                    annex?.Failures.Defined() ?? ReadOnlyDictionary<PasidStatus, long>.Empty);
            }
        }
    }
}

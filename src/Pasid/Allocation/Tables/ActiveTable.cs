using System.Collections.ObjectModel;

namespace Pasid.Internal;

/// <summary>
/// The id space that the calls of one allocator go to, the way into its gate, and what else an allocator has that most never
/// need.
/// </summary>
internal struct ActiveTable
{
    /// <summary>The default id space, or that of the group at the head of the queue. <see langword="null"/> until it is needed,
    /// which keeps an allocator that never allocates small. Changed only with the gate of the table that it leaves held.</summary>
    public IoasidTable? Table;

    public AllocatorAnnex? Annex;

    public readonly IoasidReusePolicy Policy => Annex?.ReusePolicy ?? IoasidReusePolicy.LowestFirst;

    public AllocatorAnnex EnsureAnnex() =>
        Volatile.Read(ref Annex) ?? Interlocked.CompareExchange(ref Annex, new AllocatorAnnex(logger: null, IoasidReusePolicy.LowestFirst), null) ?? Annex;

    /// <summary>Enters the gate of the active table.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered, and are refused.</exception>
    public IoasidTable Enter(bool refusesCustom = false)
    {
        while (true)
        {
            IoasidTable table = Volatile.Read(ref Table) ?? MakeDefault();
            if (refusesCustom)
            {
                // Asked first: a group's gate may be held for as long as its functions take.
                ThrowIfCustom(table);
            }

            table.Enter();

            // Another thread may have registered or unregistered between the read and the gate.
            if (ReferenceEquals(table, Table))
            {
                return table;
            }

            table.Leave();
        }
    }

    /// <summary>Enters the gate of the active table, unless a function of this very table is asking.</summary>
    public GateTurn EnterToRead(out IoasidTable table)
    {
        table = Volatile.Read(ref Table)!;
        if (table is { IsInsideFunction: true })
        {
            return default;
        }

        table = Enter();
        return table.LeaveAtEnd();
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

    /// <summary>Walks the active table, which stands still meanwhile, and finds what does not agree.</summary>
    public List<TableDamage> FindDamage()
    {
        IoasidTable table = Enter();
        using (table.LeaveAtEnd())
        {
            return TableCheck.Run(table);
        }
    }

    public IoasidStatistics GetStatistics()
    {
        while (true)
        {
            IoasidTable? active = Volatile.Read(ref Table);
            AllocatorAnnex? annex = Volatile.Read(ref Annex);
            AllocatorAnnex.PastCounts? past = annex?.Past;
            long allocations = 0;
            long frees = 0;
            active?.Counts.Read(out allocations, out frees);

            // While a custom allocator is active, no id of the default table is live, and it does not change.
            if (active?.Group is not null && annex?.Registry is { } registry)
            {
                registry.DefaultTable.Counts.Read(out long defaultAllocations, out long defaultFrees);
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

    /// <summary>Copies all live ids as of one moment, ascending, and what the policy remembers.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    public List<IoasidTable.LiveId> CopyLiveIds(PasidHolder own, out uint next, out uint[] held)
    {
        IoasidTable table = Enter(refusesCustom: true);
        using (table.LeaveAtEnd())
        {
            EnsureAnnex().ThrowIfShared(own);
            next = table.Choice.Next;
            held = table.Choice.Held();
            return table.CopyLiveUnsynchronized();
        }
    }

    public readonly IoasidTable MakeTable(List<IoasidTable.LiveId> ids, uint next, IReadOnlyList<uint> held)
    {
        var table = new IoasidTable(group: null, isLogged: Annex?.Logger is not null, Policy);
        table.Enter();
        using (table.LeaveAtEnd())
        {
            foreach (IoasidTable.LiveId id in ids)
            {
                if (!table.InsertUnsynchronized(id.Id, id.Owner, id.Data))
                {
                    throw new FormatException("The snapshot has more owners than an allocator can tell apart.");
                }

                if (id.References != 1)
                {
                    table.SetReferencesUnsynchronized(id.Id, id.References);
                }
            }

            table.RestoreReuse(next, held);
        }

        return table;
    }

    /// <summary>Keeps custom allocators from coming and going, for <see cref="Replace"/>.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    public GateTurn EnterForReplacement()
    {
        IoasidTable table = Volatile.Read(ref Table) ?? MakeDefault();
        ThrowIfCustom(table);

        // Even if there was no registry: one that a registration beside this makes must learn which table is the default one.
        return EnsureAnnex().EnsureRegistry(table).Enter(table);
    }

    /// <summary>Puts a table in the place of the active one. A lookup that still has the one before answers for the moment
    /// before. Entered by <see cref="EnterForReplacement"/>.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered by now, or another binder holds ids; nothing has
    /// changed.</exception>
    public void Replace(IoasidTable replacement, PasidHolder own)
    {
        IoasidTable table = Enter(refusesCustom: true);
        using (table.LeaveAtEnd())
        {
            EnsureAnnex().ThrowIfShared(own);
            Annex!.Registry!.DefaultTable = replacement;
            Activate(replacement, table);
        }
    }

    private static void ThrowIfCustom(IoasidTable table)
    {
        if (table.Group is not null)
        {
            throw new InvalidOperationException("A custom allocator chooses the ids, and its state is its own: unregister it first.");
        }
    }
}

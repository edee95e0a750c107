namespace Pasid.Internal;

/// <content>What a snapshot takes of the ids, and how a restore puts others in their place, for the one binder that holds them.</content>
internal partial struct ActiveTable
{
    /// <summary>Copies all live ids as of one moment, ascending, and what the policy remembers.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    public List<IoasidTable.LiveId> CopyLiveIds(PasidHolder own, out uint next, out uint[] held)
    {
        IoasidTable table = EnterDefault();
        try
        {
            EnsureAnnex().ThrowIfShared(own);
            var ids = new List<IoasidTable.LiveId>((int)table.LiveCount);
            table.CopyToUnsynchronized(ids);
            next = table.Choice.Next;
            held = table.Choice.Held();
            return ids;
        }
        finally
        {
            table.Leave();
        }
    }

    /// <summary>Makes a table of given ids, for <see cref="Replace"/>.</summary>
    public readonly IoasidTable MakeTable(List<IoasidTable.LiveId> ids, uint next, IReadOnlyList<uint> held)
    {
        var table = new IoasidTable(group: null, isLogged: Annex?.Logger is not null, Policy);
        table.Enter();
        try
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
            return table;
        }
        finally
        {
            table.Leave();
        }
    }

    /// <summary>Keeps custom allocators from coming and going, for <see cref="Replace"/>.</summary>
    /// <returns>What is entered, and to be left afterwards.</returns>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    public CustomRegistry EnterForReplacement()
    {
        // Before the registry's gate: a function that calls this holds its group's, for which an unregistration waits inside it.
        IoasidTable table = Volatile.Read(ref Table) ?? MakeDefault();
        ThrowIfCustom(table);

        // Even if there was no registry: one that a registration beside this makes must learn which table is the default one.
        CustomRegistry registry = EnsureAnnex().EnsureRegistry(table);
        registry.Enter();
        try
        {
            ThrowIfCustom(Table!);
            return registry;
        }
        catch
        {
            registry.Leave();
            throw;
        }
    }

    /// <summary>Puts a table in the place of the active one. A lookup that still has the one before answers for the moment
    /// before.</summary>
    /// <param name="registry">What <see cref="EnterForReplacement"/> answered.</param>
    /// <param name="replacement">The table.</param>
    /// <param name="own">The binder whose ids they are.</param>
    /// <exception cref="InvalidOperationException">Another binder holds ids; nothing has changed.</exception>
    public void Replace(CustomRegistry registry, IoasidTable replacement, PasidHolder own)
    {
        IoasidTable table = EnterDefault();
        try
        {
            EnsureAnnex().ThrowIfShared(own);

            registry.DefaultTable = replacement;
            Activate(replacement, table);
        }
        finally
        {
            table.Leave();
        }
    }

    /// <summary>Enters the gate of the active table, which is the default one.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    private IoasidTable EnterDefault()
    {
        while (true)
        {
            // Asked first: a group's gate may be held for as long as its functions take.
            IoasidTable table = Volatile.Read(ref Table) ?? MakeDefault();
            ThrowIfCustom(table);
            table.Enter();
            if (ReferenceEquals(table, Table))
            {
                return table;
            }

            table.Leave();
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

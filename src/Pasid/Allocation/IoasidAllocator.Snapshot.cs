using Pasid.Internal;

namespace Pasid;

/// <content>The allocator's part of a snapshot, which its binder takes and restores.</content>
public sealed partial class IoasidAllocator
{
    /// <summary>Makes a binder known that is about to hold its first id.</summary>
    internal void Join(PasidHolder holder) => EnsureAnnex().ChangeHolders(holders => [.. holders, holder]);

    /// <summary>Forgets a binder that holds no id any more.</summary>
    internal void Leave(PasidHolder holder) => EnsureAnnex().ChangeHolders(holders => Array.FindAll(holders, other => !ReferenceEquals(other, holder)));

    /// <summary>Refuses a picture or a restore of all ids if another binder holds some.</summary>
    private void ThrowIfShared(PasidHolder own)
    {
        if (Array.Exists(Volatile.Read(ref _annex)?.Holders ?? [], holder => holder.HoldsAny && !ReferenceEquals(holder, own)))
        {
            throw new InvalidOperationException("Another binder holds ids of the same allocator, bound or not: snapshots are taken of an allocator with one binder, and restored to one. Dispose the other one, or give each an allocator of its own.");
        }
    }

    /// <summary>Copies all live ids as of one moment, ascending, and what the policy remembers.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    internal List<IoasidTable.LiveId> CopyLiveIds(PasidHolder own, out uint next, out uint[] held)
    {
        IoasidTable table = EnterDefault();
        try
        {
            ThrowIfShared(own);
            var ids = new List<IoasidTable.LiveId>((int)table.LiveCount);
            table.CopyToUnsynchronized(ids);
            next = table.NextUnsynchronized;
            held = table.HeldUnsynchronized();
            return ids;
        }
        finally
        {
            table.Leave();
        }
    }

    /// <summary>Makes a table of given ids, for <see cref="ReplaceUnsynchronized"/>.</summary>
    internal IoasidTable MakeTable(List<IoasidTable.LiveId> ids, uint next, IReadOnlyList<uint> held)
    {
        var table = new IoasidTable(group: null, isLogged: Logger is not null, ReusePolicy);
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

    /// <summary>Keeps custom allocators from coming and going, for <see cref="ReplaceUnsynchronized"/>.</summary>
    /// <returns>What is entered, and to be left afterwards.</returns>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    internal CustomRegistry EnterForReplacement()
    {
        // Before the registry's gate: a function that calls this holds its group's, for which an unregistration waits inside it.
        IoasidTable active = Volatile.Read(ref _active) ?? MakeDefault();
        ThrowIfCustom(active);

        // Even if there was no registry: one that a registration beside this makes must learn which table is the default one.
        CustomRegistry registry = EnsureAnnex().EnsureRegistry(active);
        registry.Enter();
        try
        {
            ThrowIfCustom(_active!);
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
    internal void ReplaceUnsynchronized(CustomRegistry registry, IoasidTable replacement, PasidHolder own)
    {
        IoasidTable table = EnterDefault();
        try
        {
            ThrowIfShared(own);

            registry.DefaultTable = replacement;
            Activate(replacement, table);
        }
        finally
        {
            table.Leave();
        }
    }

    /// <summary>Enters the gate of the active table, which is the default one.</summary>
    private IoasidTable EnterDefault()
    {
        while (true)
        {
            // Asked first: a group's gate may be held for as long as its functions take.
            IoasidTable table = Volatile.Read(ref _active) ?? MakeDefault();
            ThrowIfCustom(table);
            table.Enter();
            if (ReferenceEquals(table, _active))
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

using Pasid.Internal;

namespace Pasid;

/// <content>The allocator's part of a snapshot, which its binder takes and restores.</content>
public sealed partial class IoasidAllocator
{
    /// <summary>Copies all live ids as of one moment, ascending, and what the policy remembers.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    internal List<LiveId> CopyLiveIds(out uint next, out uint[] held)
    {
        IoasidTable table = EnterActive();
        try
        {
            ThrowIfCustom(table);
            var ids = new List<LiveId>((int)table.LiveCount);
            table.CopyToUnsynchronized(ids);
            next = table.NextUnsynchronized;
            held = table.HeldUnsynchronized();
            return ids;
        }
        finally
        {
            ExitActive(table);
        }
    }

    /// <summary>Makes a table of given ids, for <see cref="Replace"/>.</summary>
    internal IoasidTable MakeTable(List<LiveId> ids, uint next, IReadOnlyList<uint> held)
    {
        var table = new IoasidTable(group: null, isLogged: Logger is not null, ReusePolicy);
        foreach (LiveId id in ids)
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

    /// <summary>Puts a table in the place of the active one. A lookup that still has the one before answers for the moment
    /// before.</summary>
    /// <exception cref="InvalidOperationException">Custom allocators are registered.</exception>
    internal void Replace(IoasidTable replacement)
    {
        // Before the registry's gate: a function that calls this holds its group's, for which an unregistration waits inside it.
        IoasidTable active = Volatile.Read(ref _active) ?? MakeDefault();
        ThrowIfCustom(active);

        // Even if there was no registry: one that a registration beside this makes must learn which table is the default one.
        CustomRegistry registry = EnsureAnnex().EnsureRegistry(active);
        registry.Enter();
        try
        {
            IoasidTable table = EnterActive();
            try
            {
                ThrowIfCustom(table);
                registry.DefaultTable = replacement;
                Activate(replacement, table);
            }
            finally
            {
                ExitActive(table);
            }
        }
        finally
        {
            registry.Exit();
        }
    }

    private static void ThrowIfCustom(IoasidTable table)
    {
        if (table.Group is not null)
        {
            throw new InvalidOperationException("A custom allocator chooses the ids, and its state is its own: unregister it first.");
        }
    }

    /// <summary>A live id with all that is kept of it.</summary>
    internal readonly record struct LiveId(uint Id, long References, IoasidSet? Owner, object? Data);
}

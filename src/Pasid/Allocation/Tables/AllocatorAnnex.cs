using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What an allocator has that most never need: apart, so that the others stay small.</summary>
internal sealed class AllocatorAnnex(ILogger? logger, IoasidReusePolicy reusePolicy)
{
    private CustomRegistry? _registry;
    private PastCounts? _past;

    /// <summary>The binders that have held ids, other than those that are disposed; another array each time they change.</summary>
    private PasidHolder[] _holders = [];

    public ILogger? Logger { get; } = logger;

    public IoasidReusePolicy ReusePolicy { get; } = reusePolicy;

    public StatusCounts Failures { get; } = new();

    /// <summary>Gets the custom allocators; <see langword="null"/> until the first is registered.</summary>
    public CustomRegistry? Registry => Volatile.Read(ref _registry);

    /// <summary>Gets the counts of the tables that are gone or going; another object each time they change.</summary>
    public PastCounts? Past => Volatile.Read(ref _past);

    /// <summary>Makes a binder known that is about to hold its first id.</summary>
    public PasidHolder Join()
    {
        var holder = new PasidHolder();
        ChangeHolders(holders => [.. holders, holder]);
        return holder;
    }

    /// <summary>Forgets a binder that holds no id any more.</summary>
    public void Leave(PasidHolder holder) => ChangeHolders(holders => Array.FindAll(holders, other => !ReferenceEquals(other, holder)));

    /// <summary>Refuses a picture or a restore of all ids if another binder holds some.</summary>
    public void ThrowIfShared(PasidHolder own)
    {
        if (Array.Exists(Volatile.Read(ref _holders), holder => holder.HoldsAny && !ReferenceEquals(holder, own)))
        {
            throw new InvalidOperationException("Another binder holds ids of the same allocator, bound or not: snapshots are taken of an allocator with one binder, and restored to one. Dispose the other one, or give each an allocator of its own.");
        }
    }

    /// <summary>Gets the custom allocators; makes the registry with <paramref name="defaultTable"/> if there is none.</summary>
    public CustomRegistry EnsureRegistry(IoasidTable defaultTable) =>
        Registry ?? Interlocked.CompareExchange(ref _registry, new CustomRegistry(defaultTable), null) ?? _registry;

    /// <summary>Takes the ids of a table as allocated and freed from the moment on when it is no longer active. Called before
    /// that moment, by one thread at a time.</summary>
    public void CountAsPast(IoasidTable table)
    {
        table.Counts.Read(out long allocations, out _);
        long before = _past?.Ids ?? 0;
        Volatile.Write(ref _past, new PastCounts(before + allocations, table, before));
    }

    /// <summary>Lets go of the table of the last <see cref="CountAsPast"/>, which is no longer active.</summary>
    public void ForgetPastTable() => Volatile.Write(ref _past, new PastCounts(_past!.Ids, Going: null, _past.Ids));

    private void ChangeHolders(Func<PasidHolder[], PasidHolder[]> change)
    {
        PasidHolder[] before;
        do
        {
            before = Volatile.Read(ref _holders);
        }
        while (!ReferenceEquals(Interlocked.CompareExchange(ref _holders, change(before), before), before));
    }

    /// <summary>How many ids were allocated in tables that are gone; all of them count as freed.</summary>
    /// <param name="Ids">Those of <paramref name="Going"/> included.</param>
    /// <param name="Going">The last of the tables, which may still be active.</param>
    /// <param name="IdsBefore">Those of <paramref name="Going"/> not included.</param>
    internal sealed record PastCounts(long Ids, IoasidTable? Going, long IdsBefore)
    {
        /// <summary>Counts the ids of the tables that were gone when a table was active.</summary>
        public long CountUnder(IoasidTable? active) => active is not null && ReferenceEquals(active, Going) ? IdsBefore : Ids;
    }
}

/// <summary>How many ids of an allocator one binder holds, bound, remembered or lost: what a restore of another binder would take away,
/// though nothing in the allocator tells whose it is.</summary>
internal sealed class PasidHolder
{
    private int _count;

    public bool HoldsAny => Volatile.Read(ref _count) > 0;

    /// <summary>Counts an id; before it is allocated, so that nobody finds it without its holder.</summary>
    public void Add() => Interlocked.Increment(ref _count);

    public void Remove() => Interlocked.Decrement(ref _count);

    /// <summary>Counts anew, when a restore has brought all ids.</summary>
    public void Set(int count) => Volatile.Write(ref _count, count);
}

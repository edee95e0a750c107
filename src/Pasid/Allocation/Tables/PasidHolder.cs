namespace Pasid.Internal;

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
    public void Load(int count) => Volatile.Write(ref _count, count);
}

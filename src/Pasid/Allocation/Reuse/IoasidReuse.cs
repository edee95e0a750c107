namespace Pasid.Internal;

/// <summary>What a table remembers for a policy other than lowest first: the cursor, or the ids that are held back. Not
/// thread-safe.</summary>
internal sealed class IoasidReuse(IoasidReusePolicy policy)
{
    private const int SmallestLength = 16;

    /// <summary>The ids held back, a ring: the oldest at <see cref="_oldest"/>.</summary>
    private uint[] _held = [];

    private int _oldest;

    public bool IsCyclic { get; } = policy.Order == IoasidReuseOrder.Cyclic;

    public bool HoldsBack { get; } = policy.Order == IoasidReuseOrder.Quarantine;

    public bool ReleasesOldest { get; } = policy is { Order: IoasidReuseOrder.Quarantine, Exhaustion: QuarantineExhaustion.ReleaseOldest };

    /// <summary>Gets or sets where a cyclic search begins: behind the id that was given last.</summary>
    public uint Next { get; set; }

    public int Count { get; private set; }

    /// <summary>Gets a value indicating whether more ids are held back than the policy says: the time of the oldest is over.</summary>
    public bool HoldsTooMany => Count > policy.Frees;

    /// <summary>Gets the ids held back, oldest first.</summary>
    public uint[] Held()
    {
        var held = new uint[Count];
        for (int i = 0; i < Count; i++)
        {
            held[i] = At(i);
        }

        return held;
    }

    /// <summary>Makes room for one more, so that <see cref="Hold"/> cannot fail.</summary>
    public void Reserve()
    {
        if (Count < _held.Length)
        {
            return;
        }

        var larger = new uint[Math.Min(Math.Max(SmallestLength, _held.Length * 2), policy.Frees + 1)];
        Held().CopyTo(larger, 0);
        _held = larger;
        _oldest = 0;
    }

    public void Hold(uint id) => At(Count++) = id;

    /// <summary>Finds which of the ids held back is the oldest of a range; -1 if none is.</summary>
    public int FindOldest(IoasidRange range)
    {
        for (int i = 0; i < Count; i++)
        {
            if (range.Contains(new Ioasid(At(i))))
            {
                return i;
            }
        }

        return -1;
    }

    public uint TakeAt(int index)
    {
        uint id = At(index);
        for (; index > 0; index--)
        {
            At(index) = At(index - 1);
        }

        _oldest = (_oldest + 1) % _held.Length;
        Count--;
        return id;
    }

    private ref uint At(int index) => ref _held[(_oldest + index) % _held.Length];
}

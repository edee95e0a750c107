using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Which of 2^18 consecutive ids are free, as three levels of words in which a set bit means <em>free below here</em>: the
/// lowest free id at or above a number is found by one walk up and one down. Not thread-safe.
/// </summary>
/// <remarks><see cref="IoasidTable"/> has the same for its first 2^18 ids in fields of its own, which saves the way here.</remarks>
internal sealed class IdBitmap
{
    public const int Shift = 18;
    private const int LeafCount = 1 << (Shift - 6);

    /// <summary>Two pages; the lengths that follow are multiples of it.</summary>
    private const int SmallestLeafCount = 16;

    /// <summary>Bit i of word j: leaf 64 j + i is not zero.</summary>
    private readonly ulong[] _middles = NewFree(64);

    /// <summary>Bit i: word i of <see cref="_middles"/> is not zero.</summary>
    private ulong _root = ulong.MaxValue;

    /// <summary>Bit i of word j: id 64 j + i is free. Words beyond the end were never touched.</summary>
    private ulong[] _leaves = NewFree(SmallestLeafCount);

    /// <summary>The bits above <paramref name="index"/> modulo 64; two shifts, because a shift by 64 is a shift by 0.</summary>
    public static ulong Above(int index) => (ulong.MaxValue << index) << 1;

    public static ulong[] NewFree(int length)
    {
        ulong[] words = GC.AllocateUninitializedArray<ulong>(length);
        Array.Fill(words, ulong.MaxValue);
        return words;
    }

    /// <summary>Makes leaves so long that one of them is that of <paramref name="offset"/>.</summary>
    public static ulong[] Reserve(ulong[]? leaves, int offset)
    {
        int needed = (offset >> 6) + 1;
        int length = leaves?.Length ?? SmallestLeafCount;
        while (length < needed)
        {
            length *= 4;
        }

        if (length == leaves?.Length)
        {
            return leaves;
        }

        ulong[] larger = NewFree(Math.Min(length, LeafCount));
        leaves?.CopyTo(larger, 0);
        return larger;
    }

    /// <summary>Finds the lowest live offset that is not below <paramref name="from"/>, or -1.</summary>
    public static int FindLive(ulong[] leaves, int from)
    {
        int leaf = from >> 6;
        if (leaf >= leaves.Length)
        {
            return -1;
        }

        ulong live = ~leaves[leaf] & (ulong.MaxValue << from);
        while (live == 0)
        {
            if (++leaf == leaves.Length)
            {
                return -1;
            }

            live = ~leaves[leaf];
        }

        return (leaf << 6) + BitOperations.TrailingZeroCount(live);
    }

    /// <summary>Tells whether the page that begins with <paramref name="first"/> has no live id.</summary>
    public static bool IsPageFree(ulong[] leaves, int first)
    {
        WordCount.Touch(IoasidTable.PageLength / 64);
        return !leaves.AsSpan(first >> 6, IoasidTable.PageLength / 64).ContainsAnyExcept(ulong.MaxValue);
    }

    public static bool IsLive(ulong[] leaves, int offset) => offset >> 6 < leaves.Length && (leaves[offset >> 6] >> offset & 1) == 0;

    public bool IsLive(int offset) => IsLive(_leaves, offset);

    public bool IsPageFree(int first) => IsPageFree(_leaves, first);

    public int FindLive(int from) => FindLive(_leaves, from);

    public void Reserve(int offset) => _leaves = Reserve(_leaves, offset);

    /// <summary>Finds the lowest free offset; there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindLowestFree()
    {
        WordCount.Touch(3);
        int middle = BitOperations.TrailingZeroCount(_root);
        int leaf = (middle << 6) + BitOperations.TrailingZeroCount(_middles[middle]);
        ulong[] leaves = _leaves;
        return (leaf << 6) + (leaf < leaves.Length ? BitOperations.TrailingZeroCount(leaves[leaf]) : 0);
    }

    /// <summary>Finds the lowest free offset that is not below <paramref name="from"/>, or -1.</summary>
    public int FindFree(int from)
    {
        int leaf = from >> 6;
        if (leaf >= _leaves.Length)
        {
            return from;
        }

        WordCount.Touch(1);
        ulong free = _leaves[leaf] & (ulong.MaxValue << from);
        if (free != 0)
        {
            return (leaf << 6) + BitOperations.TrailingZeroCount(free);
        }

        WordCount.Touch(2);
        int middle = leaf >> 6;
        ulong leaves = _middles[middle] & Above(leaf);
        if (leaves == 0)
        {
            WordCount.Touch(2);
            ulong middles = _root & Above(middle);
            if (middles == 0)
            {
                return -1;
            }

            middle = BitOperations.TrailingZeroCount(middles);
            leaves = _middles[middle];
        }

        leaf = (middle << 6) + BitOperations.TrailingZeroCount(leaves);
        return (leaf << 6) + (leaf < _leaves.Length ? BitOperations.TrailingZeroCount(_leaves[leaf]) : 0);
    }

    /// <summary>Tells whether the summary words say of the words below them what these are.</summary>
    public bool AreSummariesRight()
    {
        for (int leaf = 0; leaf < LeafCount; leaf++)
        {
            bool hasFree = leaf >= _leaves.Length || _leaves[leaf] != 0;
            if (hasFree != ((_middles[leaf >> 6] >> leaf & 1) != 0) || (_middles[leaf >> 6] != 0) != ((_root >> (leaf >> 6) & 1) != 0))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Marks a free offset, for which there is room, as live.</summary>
    /// <returns><see langword="true"/> if none is free any more.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MarkLive(int offset)
    {
        int leaf = offset >> 6;
        WordCount.Touch(1);
        if ((_leaves[leaf] &= ~(1ul << offset)) != 0)
        {
            return false;
        }

        WordCount.Touch(2);
        if ((_middles[leaf >> 6] &= ~(1ul << leaf)) != 0)
        {
            return false;
        }

        return (_root &= ~(1ul << (leaf >> 6))) == 0;
    }

    /// <summary>Marks a live offset as free if its leaf does not become free as a whole.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMarkFree(int offset)
    {
        int leaf = offset >> 6;
        WordCount.Touch(1);
        ulong before = _leaves[leaf];
        ulong after = before | (1ul << offset);
        if (after == ulong.MaxValue)
        {
            return false;
        }

        _leaves[leaf] = after;
        if (before == 0)
        {
            WordCount.Touch(2);
            _middles[leaf >> 6] |= 1ul << leaf;
            _root |= 1ul << (leaf >> 6);
        }

        return true;
    }

    /// <summary>Marks the last live offset of a leaf, which was therefore not full, as free.</summary>
    public void MarkLeafFree(int offset) => _leaves[offset >> 6] = ulong.MaxValue;
}

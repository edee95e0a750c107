using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Which of 2^18 consecutive ids are free, as three levels of words in which a set bit means <em>free below here</em>: the
/// lowest free id at or above a number is found by one walk up and one down. Not thread-safe.
/// </summary>
/// <remarks>
/// <para>The words of the ids are a window that covers those that were near a taken one: 16 words, or 4, 16, 64 or 256 times
/// as many, aligned to its length, so that a lone id costs as little at the end as at the begin.</para>
/// <para><see cref="IoasidTable"/> has the same for its first 2^18 ids in fields of its own, with a window that begins at 0,
/// which saves the way here.</para>
/// </remarks>
internal sealed partial class IdBitmap
{
    public const int Shift = 18;

    /// <summary>How much longer than needed the window has to be before it is made shorter, and how many pages have to have gone
    /// since it grew: a few ids far apart that come and go in turn must not make long windows each time.</summary>
    private const int ShrinkFactor = 16;

    private const int ShrinkPages = 8;

    private const int LeafCount = 1 << (Shift - 6);
    private const int PageLeafCount = SlotPages.PageLength / 64;

    /// <summary>Two pages; the lengths that follow are multiples of it.</summary>
    private const int SmallestLeafCount = 16;

    /// <summary>Bit i of word j: leaf 64 j + i is not zero.</summary>
    private readonly ulong[] _middles = NewFree(64);

    /// <summary>Bit i: word i of <see cref="_middles"/> is not zero.</summary>
    private ulong _root = ulong.MaxValue;

    /// <summary>The leaf with which the window begins.</summary>
    private int _firstLeaf;

    /// <summary>Bit i of word j: id 64 (j + <see cref="_firstLeaf"/>) + i is free. The ids around the window are all free.</summary>
    private ulong[] _leaves;

    /// <summary>How many pages of slots have gone since the window grew.</summary>
    private int _gonePages;

    public IdBitmap(int offset)
    {
        _firstLeaf = (offset >> 6) & -SmallestLeafCount;
        _leaves = NewFree(SmallestLeafCount);
    }

    public int Bytes => 48 + (24 + (8 * 64)) + 24 + (8 * _leaves.Length);

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
        FindWindow(0, Math.Max(offset >> 6, (leaves?.Length ?? 0) - 1), out _, out int length);
        if (length == leaves?.Length)
        {
            return leaves;
        }

        ulong[] larger = NewFree(length);
        leaves?.CopyTo(larger, 0);
        return larger;
    }

    /// <summary>Finds the lowest bit that is not set and not below <paramref name="from"/>, or -1.</summary>
    public static int FindClear(ulong[] words, int from)
    {
        for (int word = from >> 6; word < words.Length; word++, from = word << 6)
        {
            ulong clear = ~words[word] & (ulong.MaxValue << from);
            if (clear != 0)
            {
                return (word << 6) + BitOperations.TrailingZeroCount(clear);
            }
        }

        return -1;
    }

    /// <summary>The leaves of the page that has a leaf; none beyond the end.</summary>
    public static ReadOnlySpan<ulong> PageWords(ulong[]? leaves, int leaf) =>
        (uint)leaf < (uint)(leaves?.Length ?? 0) ? leaves.AsSpan(leaf & -PageLeafCount, PageLeafCount) : default;

    public bool Covers(int offset) => (uint)((offset >> 6) - _firstLeaf) < (uint)_leaves.Length;

    public ReadOnlySpan<ulong> PageWords(int offset) => PageWords(_leaves, (offset >> 6) - _firstLeaf);

    /// <summary>Finds the lowest taken offset that is not below <paramref name="from"/>, or -1.</summary>
    public int FindTaken(int from)
    {
        int start = _firstLeaf << 6;
        int found = FindClear(_leaves, Math.Max(from - start, 0));
        return found < 0 ? -1 : start + found;
    }

    /// <summary>Makes a range of leaves so wide that it has all with a taken id.</summary>
    public void Widen(ref int first, ref int last)
    {
        ReadOnlySpan<ulong> leaves = _leaves;
        int firstTaken = leaves.IndexOfAnyExcept(ulong.MaxValue);
        if (firstTaken >= 0)
        {
            first = Math.Min(first, _firstLeaf + firstTaken);
            last = Math.Max(last, _firstLeaf + leaves.LastIndexOfAnyExcept(ulong.MaxValue));
        }
    }

    /// <summary>Makes room for an offset and the whole page around it.</summary>
    public void Reserve(int offset)
    {
        if (Covers(offset))
        {
            return;
        }

        int leaf = offset >> 6;
        FindWindow(Math.Min(leaf, _firstLeaf), Math.Max(leaf, _firstLeaf + _leaves.Length - 1), out int first, out int length);
        ulong[] larger = NewFree(length);
        _leaves.CopyTo(larger, _firstLeaf - first);
        _leaves = larger;
        _firstLeaf = first;
        _gonePages = 0;
    }

    /// <summary>Makes one without taken ids serve other ids, if it is as small as a new one.</summary>
    public bool TryMove(int offset)
    {
        _firstLeaf = (offset >> 6) & -SmallestLeafCount;
        _gonePages = 0;
        return _leaves.Length == SmallestLeafCount;
    }

    /// <summary>Gives most of the words back if a much shorter window would cover the leaves that are needed; a page of slots has gone.</summary>
    public void Fit(int firstLeaf, int lastLeaf)
    {
        FindWindow(firstLeaf, lastLeaf, out int first, out int length);
        if (++_gonePages >= ShrinkPages && length <= _leaves.Length / ShrinkFactor)
        {
            _leaves = _leaves.AsSpan(first - _firstLeaf, length).ToArray();
            _firstLeaf = first;
        }
    }

    /// <summary>Finds the shortest window that covers two leaves.</summary>
    public static void FindWindow(int firstLeaf, int lastLeaf, out int first, out int length)
    {
        length = SmallestLeafCount;
        while ((firstLeaf & -length) != (lastLeaf & -length))
        {
            length *= 4;
        }

        first = firstLeaf & -length;
    }

    /// <summary>Finds the lowest free offset; there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int FindLowestFree()
    {
        Touch(3);
        int middle = BitOperations.TrailingZeroCount(_root);
        int leaf = (middle << 6) + BitOperations.TrailingZeroCount(_middles[middle]);
        ulong[] leaves = _leaves;
        uint index = (uint)(leaf - _firstLeaf);
        return (leaf << 6) + (index < (uint)leaves.Length ? BitOperations.TrailingZeroCount(leaves[index]) : 0);
    }

    /// <summary>Finds the lowest free offset that is not below <paramref name="from"/>, or -1.</summary>
    public int FindFree(int from)
    {
        int leaf = from >> 6;
        if (!Covers(from))
        {
            return from;
        }

        Touch(1);
        ulong free = _leaves[leaf - _firstLeaf] & (ulong.MaxValue << from);
        if (free != 0)
        {
            return (leaf << 6) + BitOperations.TrailingZeroCount(free);
        }

        Touch(2);
        int middle = leaf >> 6;
        ulong leaves = _middles[middle] & Above(leaf);
        if (leaves == 0)
        {
            Touch(2);
            ulong middles = _root & Above(middle);
            if (middles == 0)
            {
                return -1;
            }

            middle = BitOperations.TrailingZeroCount(middles);
            leaves = _middles[middle];
        }

        leaf = (middle << 6) + BitOperations.TrailingZeroCount(leaves);
        return (leaf << 6) + (Covers(leaf << 6) ? BitOperations.TrailingZeroCount(_leaves[leaf - _firstLeaf]) : 0);
    }

    /// <summary>Tells whether the summary words say of the words below them what these are.</summary>
    public bool AreSummariesRight()
    {
        for (int leaf = 0; leaf < LeafCount; leaf++)
        {
            bool hasFree = !Covers(leaf << 6) || _leaves[leaf - _firstLeaf] != 0;
            if (hasFree != ((_middles[leaf >> 6] >> leaf & 1) != 0) || (_middles[leaf >> 6] != 0) != ((_root >> (leaf >> 6) & 1) != 0))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Marks a free offset, for which there is room, as taken.</summary>
    /// <returns><see langword="true"/> if none is free any more.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MarkTaken(int offset)
    {
        int leaf = offset >> 6;
        Touch(1);
        if ((_leaves[leaf - _firstLeaf] &= ~(1ul << offset)) != 0)
        {
            return false;
        }

        Touch(2);
        if ((_middles[leaf >> 6] &= ~(1ul << leaf)) != 0)
        {
            return false;
        }

        return (_root &= ~(1ul << (leaf >> 6))) == 0;
    }

    /// <summary>Marks a taken offset as free if its leaf does not become free as a whole.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMarkFree(int offset)
    {
        int leaf = offset >> 6;
        Touch(1);
        ref ulong word = ref _leaves[leaf - _firstLeaf];
        ulong before = word;
        ulong after = before | (1ul << offset);
        if (after == ulong.MaxValue)
        {
            return false;
        }

        word = after;
        if (before == 0)
        {
            Touch(2);
            _middles[leaf >> 6] |= 1ul << leaf;
            _root |= 1ul << (leaf >> 6);
        }

        return true;
    }

    /// <summary>Marks the last taken offset of a leaf, which was therefore not full, as free.</summary>
    public void MarkLeafFree(int offset) => _leaves[(offset >> 6) - _firstLeaf] = ulong.MaxValue;

    /// <inheritdoc cref="IdMap.Touch"/>
    partial void Touch(int words);
}

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>
/// Which ids are free. The root word sits in the table and grows with the ids that were ever live: up to 64 of them it is
/// the leaf itself, up to 4,096 the walk down goes from <see cref="_firstMiddle"/> to one leaf. From 2^18 on the ids are
/// in <see cref="FurtherIds"/>. A set bit means free; ids that were never near a live one have no words and are free.
/// </content>
internal sealed partial class IoasidTable
{
    /// <summary>How many ids one word serves before there are leaves; the first page is no longer until then.</summary>
    private const int SmallLength = 64;

    private const uint FirstFurther = 1u << IdBitmap.Shift;

    /// <summary>Finds the lowest free id that is not below <paramref name="from"/>.</summary>
    /// <returns>The id, which may be 4294967295; or -1 if everything above is live.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long FindFree(uint from)
    {
        ulong[]? leaves = _leaves;
        if (leaves is null)
        {
            // 64 if no bit is left: the count of the trailing zeros of nothing.
            return from < SmallLength ? BitOperations.TrailingZeroCount(_root & (ulong.MaxValue << (int)from)) : from;
        }

        uint leaf = from >> 6;
        if (leaf >= (uint)leaves.Length)
        {
            return from < FirstFurther ? from : FindFurtherFree(from);
        }

        ulong free = leaves[leaf] & (ulong.MaxValue << (int)from);
        if (free != 0)
        {
            return (leaf << 6) + (uint)BitOperations.TrailingZeroCount(free);
        }

        return leaf < 64 && (free = _firstMiddle & IdBitmap.Above((int)leaf)) != 0
            ? LowestIn(leaves, (uint)BitOperations.TrailingZeroCount(free))
            : FindFreeFromMiddle(leaves, leaf);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long LowestIn(ulong[] leaves, uint leaf) =>
        (leaf << 6) + (leaf < (uint)leaves.Length ? (uint)BitOperations.TrailingZeroCount(leaves[leaf]) : 0);

    private long FindFreeFromMiddle(ulong[] leaves, uint leaf)
    {
        uint middle = leaf >> 6;
        ulong free = middle == 0 ? 0 : _middles![middle] & IdBitmap.Above((int)leaf);
        if (free == 0)
        {
            ulong middles = _root & IdBitmap.Above((int)middle);
            if (middles == 0)
            {
                return FindFurtherFree(FirstFurther);
            }

            middle = (uint)BitOperations.TrailingZeroCount(middles);
            free = _middles is null ? ulong.MaxValue : _middles[middle];
        }

        return LowestIn(leaves, (middle << 6) + (uint)BitOperations.TrailingZeroCount(free));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long FindFurtherFree(uint from) => _furtherIds is null ? from : _furtherIds.FindFree(from);

    /// <summary>Finds the lowest live id that is not below <paramref name="from"/>, or -1.</summary>
    private long FindLive(uint from)
    {
        if (_leaves is null)
        {
            ulong live = from < SmallLength ? ~_root & (ulong.MaxValue << (int)from) : 0;
            return live != 0 ? BitOperations.TrailingZeroCount(live) : -1;
        }

        int first = from < FirstFurther ? IdBitmap.FindLive(_leaves, (int)from) : -1;
        return first >= 0 ? first : _furtherIds?.FindLive(Math.Max(from, FirstFurther)) ?? -1;
    }

    /// <summary>Makes room for an id and the whole page around it.</summary>
    private void ReserveId(uint id)
    {
        if (_leaves is null)
        {
            if (id < SmallLength)
            {
                return;
            }

            ulong[] first = IdBitmap.Reserve(leaves: null, 0);
            first[0] = _root;
            _firstMiddle = _root == 0 ? ~1ul : ulong.MaxValue;
            _root = ulong.MaxValue;
            _leaves = first;
        }

        if (id >= FirstFurther)
        {
            _furtherIds ??= new FurtherIds();
            _furtherIds.Reserve(id);
            return;
        }

        ulong[] leaves = IdBitmap.Reserve(_leaves, (int)id);
        if (leaves.Length > 64)
        {
            _middles ??= IdBitmap.NewFree(64);
        }

        _leaves = leaves;
    }

    /// <summary>Marks a free id, for which there is room, as live.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void MarkLive(uint id)
    {
        ulong[]? leaves = _leaves;
        if (leaves is null)
        {
            _root &= ~(1ul << (int)id);
            return;
        }

        uint leaf = id >> 6;
        if (leaf >= (uint)leaves.Length)
        {
            _furtherIds!.MarkLive(id);
        }
        else if ((leaves[leaf] &= ~(1ul << (int)id)) == 0)
        {
            MarkLeafFull(leaf);
        }
    }

    private void MarkLeafFull(uint leaf)
    {
        ref ulong middle = ref leaf < 64 ? ref _firstMiddle : ref _middles![leaf >> 6];
        if ((middle &= ~(1ul << (int)leaf)) == 0)
        {
            _root &= ~(1ul << (int)(leaf >> 6));
        }
    }

    /// <summary>Marks a live id as free.</summary>
    /// <returns><see langword="true"/> if the 64 ids around it are now all free.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MarkFree(uint id)
    {
        ulong[]? leaves = _leaves;
        if (leaves is null)
        {
            return (_root |= 1ul << (int)id) == ulong.MaxValue;
        }

        uint leaf = id >> 6;
        if (leaf >= (uint)leaves.Length)
        {
            return _furtherIds!.MarkFree(id);
        }

        ulong before = leaves[leaf];
        ulong after = before | (1ul << (int)id);
        leaves[leaf] = after;
        if (before == 0)
        {
            ref ulong middle = ref leaf < 64 ? ref _firstMiddle : ref _middles![leaf >> 6];
            middle |= 1ul << (int)leaf;
            _root |= 1ul << (int)(leaf >> 6);
        }

        return after == ulong.MaxValue;
    }

    /// <summary>Tells whether a page, which begins with <paramref name="first"/>, has no live id.</summary>
    private bool IsPageFree(uint first)
    {
        long live = FindLive(first);
        return live < 0 || live - first >= PageLength;
    }
}

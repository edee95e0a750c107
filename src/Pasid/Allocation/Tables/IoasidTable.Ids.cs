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

    /// <summary>What <see cref="FindFree"/> answers if the id is not below 2^18; more than any id.</summary>
    private const long NotBelowFirstFurther = 1L << 40;

    /// <summary>Finds the lowest free id that is not below <paramref name="from"/>, if it is below 2^18.</summary>
    /// <returns>The id, or <see cref="NotBelowFirstFurther"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private long FindFree(uint from)
    {
        if (from >= FirstFurther)
        {
            return NotBelowFirstFurther;
        }

        WordCount.Touch(1);
        ulong[]? leaves = _leaves;
        if (leaves is null)
        {
            // 64 if no bit is left: the count of the trailing zeros of nothing.
            return from < SmallLength ? BitOperations.TrailingZeroCount(_root & (ulong.MaxValue << (int)from)) : from;
        }

        uint leaf = from >> 6;
        if (leaf >= (uint)leaves.Length)
        {
            return from;
        }

        ulong free = leaves[leaf] & (ulong.MaxValue << (int)from);
        if (free != 0)
        {
            return (leaf << 6) + (uint)BitOperations.TrailingZeroCount(free);
        }

        WordCount.Touch(2);
        uint middle = leaf >> 6;
        ulong[]? middles = _middles;
        free = IdBitmap.Above((int)leaf) & (middle == 0 ? _firstMiddle : middles![middle]);
        if (free == 0)
        {
            WordCount.Touch(2);
            ulong further = _root & IdBitmap.Above((int)middle);
            if (further == 0)
            {
                return NotBelowFirstFurther;
            }

            middle = (uint)BitOperations.TrailingZeroCount(further);
            free = middles is null ? ulong.MaxValue : middles[middle];
        }

        leaf = (middle << 6) + (uint)BitOperations.TrailingZeroCount(free);
        return (leaf << 6) + (leaf < (uint)leaves.Length ? (uint)BitOperations.TrailingZeroCount(leaves[leaf]) : 0);
    }

    /// <summary>Finds the lowest free id of a range, or -1.</summary>
    private long FindFreeIn(IoasidRange range)
    {
        long free = FindFree(range.Minimum);
        if (free == NotBelowFirstFurther)
        {
            uint from = Math.Max(range.Minimum, FirstFurther);
            free = _furtherIds is null ? from : _furtherIds.FindFree(from);
        }

        return (ulong)free <= Math.Min(range.Maximum, uint.MaxValue - 1) ? free : -1;
    }

    /// <summary>Finds the lowest live id that is not below <paramref name="from"/>, or -1.</summary>
    private long FindLive(uint from)
    {
        long id = FindTaken(from);
        while (id >= 0 && _reuse is { HoldsBack: true } && !SlotWord.IsLive(FindSlot((uint)id).Word))
        {
            id = FindTaken((uint)id + 1);
        }

        return id;
    }

    /// <summary>Finds the lowest id that is not below <paramref name="from"/> and not free, or -1.</summary>
    private long FindTaken(uint from)
    {
        if (_leaves is null)
        {
            ulong live = from < SmallLength ? ~_root & (ulong.MaxValue << (int)from) : 0;
            return live != 0 ? BitOperations.TrailingZeroCount(live) : -1;
        }

        int first = from < FirstFurther ? IdBitmap.FindLive(_leaves, (int)from) : -1;
        return first >= 0 ? first : _furtherIds?.FindLive(Math.Max(from, FirstFurther)) ?? -1;
    }

    private bool IsMarkedLive(uint id)
    {
        if (id >= FirstFurther)
        {
            return _furtherIds?.IsLive(id) ?? false;
        }

        return _leaves is null ? id < SmallLength && (_root >> (int)id & 1) == 0 : IdBitmap.IsLive(_leaves, (int)id);
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

    /// <summary>Marks a free id, for which there is room, as live, if it is below 2^18.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MarkLive(uint id)
    {
        WordCount.Touch(1);
        ulong[]? leaves = _leaves;
        if (leaves is null)
        {
            _root &= ~(1ul << (int)id);
            return true;
        }

        uint leaf = id >> 6;
        if (leaf >= (uint)leaves.Length)
        {
            return false;
        }

        if ((leaves[leaf] &= ~(1ul << (int)id)) == 0)
        {
            WordCount.Touch(2);
            ref ulong middle = ref leaf < 64 ? ref _firstMiddle : ref _middles![leaf >> 6];
            if ((middle &= ~(1ul << (int)leaf)) == 0)
            {
                _root &= ~(1ul << (int)(leaf >> 6));
            }
        }

        return true;
    }

    /// <summary>Marks a free id, for which there is room, as live.</summary>
    private void MarkTaken(uint id)
    {
        if (!MarkLive(id))
        {
            _furtherIds!.MarkLive(id);
        }
    }

    /// <summary>Marks a live id as free, if it is below 2^18 and the 64 ids around it do not become all free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryMarkFree(uint id)
    {
        WordCount.Touch(1);
        ulong[]? leaves = _leaves;
        if (leaves is null)
        {
            _root |= 1ul << (int)id;
            return true;
        }

        uint leaf = id >> 6;
        if (leaf >= (uint)leaves.Length)
        {
            return false;
        }

        ulong before = leaves[leaf];
        ulong after = before | (1ul << (int)id);
        if (after == ulong.MaxValue)
        {
            return false;
        }

        leaves[leaf] = after;
        if (before == 0)
        {
            WordCount.Touch(2);
            ref ulong middle = ref leaf < 64 ? ref _firstMiddle : ref _middles![leaf >> 6];
            middle |= 1ul << (int)leaf;
            _root |= 1ul << (int)(leaf >> 6);
        }

        return true;
    }

    /// <summary>Marks a live id as free.</summary>
    /// <returns><see langword="true"/> if the 64 ids around it may now be all free.</returns>
    private bool MarkFree(uint id)
    {
        if (id < FirstFurther ? TryMarkFree(id) : _furtherIds!.TryMarkFree(id))
        {
            return false;
        }

        if (id < FirstFurther)
        {
            // The id was the last live one of its leaf, so the leaf was not full before.
            _leaves![id >> 6] = ulong.MaxValue;
        }
        else
        {
            _furtherIds!.MarkLeafFree(id);
        }

        return true;
    }

    /// <summary>Tells whether the page that begins with <paramref name="first"/> has no live id; there are leaves.</summary>
    private bool IsPageFree(uint first) =>
        first < FirstFurther ? IdBitmap.IsPageFree(_leaves!, (int)first) : _furtherIds?.IsPageFree(first) ?? true;
}

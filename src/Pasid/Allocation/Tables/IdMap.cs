using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Which ids are free, and which are taken: live, or held back by a policy. The root word grows with the ids that were ever
/// taken: up to 64 of them it is the leaf itself, up to 4,096 the walk down goes from <see cref="_firstMiddle"/> to one leaf.
/// From 2^18 on the ids are in <see cref="FurtherIds"/>. A set bit means free; ids that were never near a taken one have no
/// words and are free. Not thread-safe.
/// </summary>
/// <inheritdoc cref="SlotPages" path="/remarks"/>
internal partial struct IdMap
{
    public const uint FirstFurther = 1u << IdBitmap.Shift;

    /// <summary>What <see cref="FindFree"/> answers if the id is not below 2^18; more than any id.</summary>
    public const long NotBelowFirstFurther = 1L << 40;

    /// <summary>How many ids one word serves before there are leaves; the first page is no longer until then.</summary>
    public const int SmallLength = 64;

    /// <summary>Bit i of word j: id 64 j + i is free; none while the root is enough. Words beyond the end were never touched.</summary>
    private ulong[]? _leaves;

    /// <summary>Bit i of word j, from 1 on: leaf 64 j + i has a free id. None while there are 64 leaves at most.</summary>
    private ulong[]? _middles;

    private FurtherIds? _furtherIds;

    /// <summary>Without leaves, bit i: id i is free. With leaves, bit i: leaves 64 i .. 64 i + 63 have a free id.</summary>
    private ulong _root = ulong.MaxValue;

    /// <summary>Bit i: leaf i has a free id; the first word of <see cref="_middles"/>.</summary>
    private ulong _firstMiddle;

#if DEBUG
    private long _touchedWords;
#endif

    public IdMap()
    {
    }

    public readonly FurtherIds? Further => _furtherIds;

    public readonly long Bytes =>
        (_leaves is null ? 0 : 24 + (8 * _leaves.Length))
        + (_middles is null ? 0 : 24 + (8 * _middles.Length))
        + (_furtherIds?.Bytes ?? 0);

    public readonly bool Covers(uint id) => _leaves is null ? id < FirstFurther : !PageWords(id).IsEmpty;

    /// <summary>Finds the lowest free id that is not below <paramref name="from"/>, if it is below 2^18.</summary>
    /// <returns>The id, or <see cref="NotBelowFirstFurther"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long FindFree(IoasidTable table, uint from)
    {
        if (from >= FirstFurther)
        {
            return NotBelowFirstFurther;
        }

        table.Ids.Touch(1);
        ulong[]? leaves = table.Ids._leaves;
        if (leaves is null)
        {
            // 64 if no bit is left: the count of the trailing zeros of nothing.
            return from < SmallLength ? BitOperations.TrailingZeroCount(table.Ids._root & (ulong.MaxValue << (int)from)) : from;
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

        table.Ids.Touch(2);
        uint middle = leaf >> 6;
        ulong[]? middles = table.Ids._middles;
        free = IdBitmap.Above((int)leaf) & (middle == 0 ? table.Ids._firstMiddle : middles![middle]);
        if (free == 0)
        {
            table.Ids.Touch(2);
            ulong further = table.Ids._root & IdBitmap.Above((int)middle);
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
    public static long FindFreeIn(IoasidTable table, IoasidRange range)
    {
        long free = FindFree(table, range.Minimum);
        if (free == NotBelowFirstFurther)
        {
            uint from = Math.Max(range.Minimum, FirstFurther);
            free = table.Ids._furtherIds is null ? from : table.Ids._furtherIds.FindFree(from);
        }

        return (ulong)free <= Math.Min(range.Maximum, uint.MaxValue - 1) ? free : -1;
    }

    /// <summary>Finds the lowest id that is not below <paramref name="from"/> and not free, or -1.</summary>
    public long FindTaken(uint from)
    {
        if (_leaves is null)
        {
            ulong taken = from < SmallLength ? ~_root & (ulong.MaxValue << (int)from) : 0;
            return taken != 0 ? BitOperations.TrailingZeroCount(taken) : -1;
        }

        int first = from < FirstFurther ? IdBitmap.FindClear(_leaves, (int)from) : -1;
        return first >= 0 ? first : _furtherIds?.FindTaken(Math.Max(from, FirstFurther)) ?? -1;
    }

    public readonly bool IsTaken(uint id)
    {
        ReadOnlySpan<ulong> words = PageWords(id);
        ulong word = _leaves is null && id < SmallLength ? _root : words.IsEmpty ? ulong.MaxValue : words[(int)(id >> 6) % words.Length];
        return (word >> (int)id & 1) == 0;
    }

    /// <summary>Makes room for an id and the whole page around it.</summary>
    public void Reserve(uint id)
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

    /// <summary>Marks a free id, for which there is room, as taken, if it is below 2^18.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryMarkTaken(IoasidTable table, uint id)
    {
        table.Ids.Touch(1);
        ulong[]? leaves = table.Ids._leaves;
        if (leaves is null)
        {
            table.Ids._root = table.Ids._root & ~(1ul << (int)id);
            return true;
        }

        uint leaf = id >> 6;
        if (leaf >= (uint)leaves.Length)
        {
            return false;
        }

        if ((leaves[leaf] &= ~(1ul << (int)id)) == 0)
        {
            table.Ids.Touch(2);
            ref ulong middle = ref leaf < 64 ? ref table.Ids._firstMiddle : ref table.Ids._middles![leaf >> 6];
            if ((middle &= ~(1ul << (int)leaf)) == 0)
            {
                table.Ids._root = table.Ids._root & ~(1ul << (int)(leaf >> 6));
            }
        }

        return true;
    }

    /// <summary>Marks a free id, for which there is room, as taken.</summary>
    public static void MarkTaken(IoasidTable table, uint id)
    {
        if (!TryMarkTaken(table, id))
        {
            table.Ids._furtherIds!.MarkTaken(id);
        }
    }

    /// <summary>Marks a taken id as free, if it is below 2^18 and the 64 ids around it do not become all free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryMarkFree(IoasidTable table, uint id)
    {
        table.Ids.Touch(1);
        ulong[]? leaves = table.Ids._leaves;
        if (leaves is null)
        {
            table.Ids._root = table.Ids._root | (1ul << (int)id);
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
            table.Ids.Touch(2);
            ref ulong middle = ref leaf < 64 ? ref table.Ids._firstMiddle : ref table.Ids._middles![leaf >> 6];
            middle |= 1ul << (int)leaf;
            table.Ids._root = table.Ids._root | (1ul << (int)(leaf >> 6));
        }

        return true;
    }

    /// <summary>Marks a taken id as free.</summary>
    /// <returns><see langword="true"/> if the 64 ids around it may now be all free.</returns>
    public static bool MarkFree(IoasidTable table, uint id)
    {
        if (id < FirstFurther ? TryMarkFree(table, id) : table.Ids._furtherIds!.TryMarkFree(id))
        {
            return false;
        }

        if (id < FirstFurther)
        {
            // The id was the last taken one of its leaf, so the leaf was not full before.
            table.Ids._leaves![id >> 6] = ulong.MaxValue;
        }
        else
        {
            table.Ids._furtherIds!.MarkLeafFree(id);
        }

        return true;
    }

    /// <summary>Tells whether the page that begins with <paramref name="first"/> has no taken id and is more than the ids that one
    /// word serves.</summary>
    public bool IsPageFree(uint first)
    {
        Touch(SlotPages.PageLength / 64);
        return _leaves is not null && !PageWords(first).ContainsAnyExcept(ulong.MaxValue);
    }

    /// <summary>Checks that the summary words say of the words below them what these are.</summary>
    public readonly void CheckSummaries(List<TableDamage> damage)
    {
        if (_leaves is not { } leaves)
        {
            return;
        }

        for (int middle = 0; middle < 64; middle++)
        {
            ulong expected = 0;
            for (int leaf = middle << 6; leaf < (middle + 1) << 6; leaf++)
            {
                expected |= leaf >= leaves.Length || leaves[leaf] != 0 ? 1ul << leaf : 0;
            }

            ulong actual = middle == 0 ? _firstMiddle : _middles is null ? ulong.MaxValue : _middles[middle];
            bool isFreeBelow = (_root >> middle & 1) != 0;
            damage.AddIf(actual != expected || isFreeBelow != (actual != 0), TableRule.LiveIds, $"the summary of the ids from {middle << 12} on is {actual:X}, and they make it {expected:X}");
        }
    }

    /// <summary>The words of the page around an id; none where there are none and all its ids from 64 on are free.</summary>
    private readonly ReadOnlySpan<ulong> PageWords(uint id)
    {
        if (id < FirstFurther)
        {
            return IdBitmap.PageWords(_leaves, (int)(id >> 6));
        }

        return _furtherIds is null ? default : _furtherIds.PageWords(id);
    }

    /// <summary>Counts words that an operation reads or writes, in debug builds, so that a test can say how much work an
    /// operation is without timing it; elsewhere nothing is compiled in.</summary>
    partial void Touch(int words);
}

using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Which ids from 2^18 on are free, in blocks of 2^18 that are made when one of their ids is taken, and dropped when none
/// is taken and no page of slots is kept for them. One that was dropped serves the next, so that lone ids that come and go in turn make
/// none. Not thread-safe.
/// </summary>
internal sealed partial class FurtherIds
{
    private const int RowShift = 7;
    private const int BlockCount = 1 << (32 - IdBitmap.Shift);
    private const uint OffsetMask = (1u << IdBitmap.Shift) - 1;
    private const int RowBytes = 24 + (8 << RowShift);

    /// <summary>The blocks below 128; block 0 is never here.</summary>
    private readonly IdBitmap?[] _firstRow = new IdBitmap?[1 << RowShift];

    /// <summary>The blocks, by the upper and lower 7 bits of their number.</summary>
    private readonly IdBitmap?[]?[] _rows = new IdBitmap?[]?[BlockCount >> RowShift];

    /// <summary>Bit i of word j: block 64 j + i is full. Block 0, whose ids are elsewhere, counts as full.</summary>
    private readonly ulong[] _fullBlocks = new ulong[BlockCount / 64];

    /// <summary>The block that was dropped last, if it is as small as a new one.</summary>
    private IdBitmap? _spare;

    public int Bytes { get; private set; } = 48 + RowBytes + (24 + (8 * (BlockCount >> RowShift))) + (24 + (8 * BlockCount / 64));

    public FurtherIds()
    {
        _rows[0] = _firstRow;
        _fullBlocks[0] = 1;
    }

    /// <summary>Finds the lowest free id that is not below <paramref name="from"/>.</summary>
    /// <returns>The id, which may be 4294967295; or -1 if everything above is taken.</returns>
    public long FindFree(uint from)
    {
        int first = (int)(from >> IdBitmap.Shift);
        for (int block = IdBitmap.FindClear(_fullBlocks, first); block >= 0; block = IdBitmap.FindClear(_fullBlocks, block + 1))
        {
            Touch(1);
            int offset = block == first ? (int)(from & OffsetMask) : 0;
            int found = GetBlock(block)?.FindFree(offset) ?? offset;
            if (found >= 0)
            {
                return ((long)block << IdBitmap.Shift) | (uint)found;
            }
        }

        return -1;
    }

    /// <summary>Finds the first of the blocks below 64 that has a free id and words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public IdBitmap? FindFirstBlock(out uint first)
    {
        Touch(1);
        int block = BitOperations.TrailingZeroCount(~_fullBlocks[0]);
        IdBitmap?[] row = _firstRow;
        first = (uint)block << IdBitmap.Shift;
        return block < 64 && block < row.Length ? row[block] : null;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MarkFull(uint id)
    {
        Touch(1);
        _fullBlocks[id >> (IdBitmap.Shift + 6)] |= 1ul << (int)(id >> IdBitmap.Shift);
    }

    /// <summary>Finds the lowest taken id that is not below <paramref name="from"/>, or -1.</summary>
    public long FindTaken(uint from)
    {
        int offset = (int)(from & OffsetMask);
        for (int block = (int)(from >> IdBitmap.Shift); block < BlockCount; block++, offset = 0)
        {
            if (_rows[block >> RowShift] is null)
            {
                // On to the last block of the row.
                block |= (1 << RowShift) - 1;
                continue;
            }

            int found = GetBlock(block)?.FindTaken(offset) ?? -1;
            if (found >= 0)
            {
                return ((long)block << IdBitmap.Shift) | (uint)found;
            }
        }

        return -1;
    }

    /// <summary>Makes room for an id and the whole page around it.</summary>
    public void Reserve(uint id)
    {
        int block = (int)(id >> IdBitmap.Shift);
        if (GetBlock(block) is { } ids)
        {
            int before = ids.Bytes;
            ids.Reserve((int)(id & OffsetMask));
            Bytes += ids.Bytes - before;
            return;
        }

        // Before the row, which would stay without a block if there were no memory for one.
        ids = _spare ?? new IdBitmap((int)(id & OffsetMask));
        if (ReferenceEquals(ids, _spare))
        {
            ids.TryMove((int)(id & OffsetMask));
            Bytes -= ids.Bytes;
            _spare = null;
        }

        ref IdBitmap?[]? row = ref _rows[block >> RowShift];
        if (row is null)
        {
            row = new IdBitmap?[1 << RowShift];
            Bytes += RowBytes;
        }

        row[block & (row.Length - 1)] = ids;
        Bytes += ids.Bytes;
    }

    /// <summary>Gives back what a block does not need: all of it if none of its ids is taken and no page of slots is there for
    /// them, or most of its words.</summary>
    /// <param name="id">An id of the block.</param>
    /// <param name="firstPage">The first page of the block that is kept without taken ids.</param>
    /// <param name="lastPage">The last one; if it is below <paramref name="firstPage"/>, there is none.</param>
    /// <returns><see langword="true"/> if the block is not there any more.</returns>
    public bool Fit(uint id, uint firstPage, uint lastPage)
    {
        const int LeafShift = SlotPages.PageShift - 6;
        int block = (int)(id >> IdBitmap.Shift);
        if (GetBlock(block) is not { } ids)
        {
            return true;
        }

        int before = ids.Bytes;
        bool hasPages = firstPage <= lastPage;
        int first = hasPages ? (int)((firstPage << LeafShift) & (OffsetMask >> 6)) : int.MaxValue;
        int last = hasPages ? (int)((lastPage << LeafShift) & (OffsetMask >> 6)) : -1;
        ids.Widen(ref first, ref last);
        if (last < 0)
        {
            Drop(block);
            return true;
        }

        try
        {
            ids.Fit(first, last);
        }
        catch (OutOfMemoryException)
        {
            // The words stay as many as they are: to free an id must not fail for want of memory.
        }

        Bytes += ids.Bytes - before;
        return false;
    }

    public void MarkTaken(uint id)
    {
        if (GetBlock((int)(id >> IdBitmap.Shift))!.MarkTaken((int)(id & OffsetMask)))
        {
            MarkFull(id);
        }
    }

    /// <summary>Marks a taken id as free if the 64 ids around it do not become all free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMarkFree(uint id)
    {
        int block = (int)(id >> IdBitmap.Shift);
        if (!GetBlock(block)!.TryMarkFree((int)(id & OffsetMask)))
        {
            return false;
        }

        Touch(1);
        _fullBlocks[block >> 6] &= ~(1ul << block);
        return true;
    }

    /// <summary>Marks the only taken id among the 64 around it as free.</summary>
    public void MarkLeafFree(uint id) => GetBlock((int)(id >> IdBitmap.Shift))!.MarkLeafFree((int)(id & OffsetMask));

    /// <summary>The words of the page around an id; none where there are none.</summary>
    public ReadOnlySpan<ulong> PageWords(uint id) =>
        GetBlock((int)(id >> IdBitmap.Shift)) is { } ids ? ids.PageWords((int)(id & OffsetMask)) : default;

    /// <summary>Finds summary words that do not say what is below them, blocks without a page, and what is kept or counted
    /// without being there.</summary>
    public void Check(List<TableDamage> damage, HashSet<uint> blocksWithPages)
    {
        int bytes = new FurtherIds().Bytes + (_spare?.Bytes ?? 0);
        damage.AddIf(_spare is { } spare && (spare.FindTaken(0) >= 0 || !spare.AreSummariesRight()), TableRule.LiveIds, $"the map that waits for other ids has taken ones");

        for (int block = 1; block < BlockCount; block++)
        {
            bool isFull = (_fullBlocks[block >> 6] >> block & 1) != 0;
            IdBitmap? ids = GetBlock(block);
            bytes += ids?.Bytes ?? 0;
            if (isFull != (ids?.FindFree(0) == -1) || ids?.AreSummariesRight() == false)
            {
                damage.Add(new(TableRule.LiveIds, $"the summary of the ids from {(long)block << IdBitmap.Shift} on is not what they make it"));
            }

            if (ids is null == blocksWithPages.Contains((uint)block))
            {
                damage.Add(new(TableRule.LiveIds, $"the ids from {(long)block << IdBitmap.Shift} on have {(ids is null ? "records and no map" : "a map and no records")}"));
            }
        }

        for (int row = 1; row < _rows.Length; row++)
        {
            bytes += _rows[row] is null ? 0 : RowBytes;
            damage.AddIf(_rows[row] is { } blocks && FarPages.IsUnused(blocks), TableRule.LiveIds, $"the ids from {(long)row << (IdBitmap.Shift + RowShift)} on have a row of maps without a map");
        }

        damage.AddIf(bytes != Bytes, TableRule.LiveIds, $"the map of the ids from {1 << IdBitmap.Shift} on has {bytes} bytes and counts {Bytes}");
    }

    /// <summary>Drops a block that is all free, and its row with the last of its blocks.</summary>
    private void Drop(int block)
    {
        IdBitmap?[] row = _rows[block >> RowShift]!;
        ref IdBitmap? ids = ref row[block & (row.Length - 1)];
        Bytes -= ids!.Bytes;
        if (_spare is null && ids.TryMove(offset: 0))
        {
            _spare = ids;
            Bytes += ids.Bytes;
        }

        ids = null;
        if (!ReferenceEquals(row, _firstRow) && FarPages.IsUnused(row))
        {
            _rows[block >> RowShift] = null;
            Bytes -= RowBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IdBitmap? GetBlock(int block)
    {
        IdBitmap?[] firstRow = _firstRow;
        return (uint)block < (uint)firstRow.Length ? firstRow[block] : _rows[block >> RowShift]?[block & ((1 << RowShift) - 1)];
    }

    /// <inheritdoc cref="IdMap.Touch"/>
    partial void Touch(int words);
}

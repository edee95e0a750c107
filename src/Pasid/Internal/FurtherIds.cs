using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Which ids from 2^18 on are free, in blocks of 2^18 that are made when one of their ids is first live. Not thread-safe.
/// </summary>
internal sealed class FurtherIds
{
    private const int RowShift = 7;
    private const int BlockCount = 1 << (32 - IdBitmap.Shift);
    private const uint OffsetMask = (1u << IdBitmap.Shift) - 1;

    /// <summary>The blocks below 128; block 0 is never here.</summary>
    private readonly IdBitmap?[] _firstRow = new IdBitmap?[1 << RowShift];

    /// <summary>The blocks, by the upper and lower 7 bits of their number.</summary>
    private readonly IdBitmap?[]?[] _rows = new IdBitmap?[]?[BlockCount >> RowShift];

    /// <summary>Bit i of word j: block 64 j + i is full. Block 0, whose ids are elsewhere, counts as full.</summary>
    private readonly ulong[] _fullBlocks = new ulong[BlockCount / 64];

    public FurtherIds()
    {
        _rows[0] = _firstRow;
        _fullBlocks[0] = 1;
    }

    /// <summary>Finds the lowest free id that is not below <paramref name="from"/>.</summary>
    /// <returns>The id, which may be 4294967295; or -1 if everything above is live.</returns>
    public long FindFree(uint from)
    {
        int block = NextBlockWithFree((int)(from >> IdBitmap.Shift));
        if (block != (int)(from >> IdBitmap.Shift) || (from & OffsetMask) == 0)
        {
            return block < 0 ? -1 : LowestIn(block);
        }

        int offset = GetBlock(block)?.FindFree((int)(from & OffsetMask)) ?? (int)(from & OffsetMask);
        if (offset >= 0)
        {
            return ((long)block << IdBitmap.Shift) | (uint)offset;
        }

        block = NextBlockWithFree(block + 1);
        return block < 0 ? -1 : LowestIn(block);
    }

    /// <summary>Finds the first of the blocks below 64 that has a free id and words.</summary>
    /// <param name="first">The first id of the block.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public IdBitmap? FindFirstBlock(out uint first)
    {
        WordCount.Touch(1);
        int block = BitOperations.TrailingZeroCount(~_fullBlocks[0]);
        IdBitmap?[] row = _firstRow;
        first = (uint)block << IdBitmap.Shift;
        return block < 64 && block < row.Length ? row[block] : null;
    }

    /// <summary>Records that a block has no free id any more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MarkFull(uint id)
    {
        WordCount.Touch(1);
        _fullBlocks[id >> (IdBitmap.Shift + 6)] |= 1ul << (int)(id >> IdBitmap.Shift);
    }

    /// <summary>Finds the lowest live id that is not below <paramref name="from"/>, or -1.</summary>
    public long FindLive(uint from)
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

            int found = GetBlock(block)?.FindLive(offset) ?? -1;
            if (found >= 0)
            {
                return ((long)block << IdBitmap.Shift) | (uint)found;
            }
        }

        return -1;
    }

    public void Reserve(uint id)
    {
        int block = (int)(id >> IdBitmap.Shift);
        IdBitmap?[] row = _rows[block >> RowShift] ??= new IdBitmap?[1 << RowShift];
        IdBitmap ids = row[block & (row.Length - 1)] ??= new IdBitmap();
        ids.Reserve((int)(id & OffsetMask));
    }

    public void MarkLive(uint id)
    {
        if (GetBlock((int)(id >> IdBitmap.Shift))!.MarkLive((int)(id & OffsetMask)))
        {
            MarkFull(id);
        }
    }

    /// <summary>Marks a live id as free if the 64 ids around it do not become all free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryMarkFree(uint id)
    {
        int block = (int)(id >> IdBitmap.Shift);
        if (!GetBlock(block)!.TryMarkFree((int)(id & OffsetMask)))
        {
            return false;
        }

        WordCount.Touch(1);
        _fullBlocks[block >> 6] &= ~(1ul << block);
        return true;
    }

    /// <summary>Marks the only live id among the 64 around it as free.</summary>
    public void MarkLeafFree(uint id) => GetBlock((int)(id >> IdBitmap.Shift))!.MarkLeafFree((int)(id & OffsetMask));

    /// <summary>Finds summary words that do not say what is below them.</summary>
    public void Check(List<IntegrityFinding> findings)
    {
        for (int block = 1; block < BlockCount; block++)
        {
            bool isFull = (_fullBlocks[block >> 6] >> block & 1) != 0;
            IdBitmap? ids = GetBlock(block);
            if (isFull != (ids?.FindFree(0) == -1) || ids?.AreSummariesRight() == false)
            {
                findings.Add(new(IntegrityInvariant.LiveIdsAgree, KernelQuirks.None, $"the summary of the ids from {(long)block << IdBitmap.Shift} on is not what they make it"));
            }
        }
    }

    private long LowestIn(int block) => ((long)block << IdBitmap.Shift) | (uint)(GetBlock(block)?.FindLowestFree() ?? 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IdBitmap? GetBlock(int block)
    {
        IdBitmap?[] firstRow = _firstRow;
        return (uint)block < (uint)firstRow.Length ? firstRow[block] : _rows[block >> RowShift]?[block & ((1 << RowShift) - 1)];
    }

    public bool IsLive(uint id) => GetBlock((int)(id >> IdBitmap.Shift))?.IsLive((int)(id & OffsetMask)) ?? false;

    /// <summary>Tells whether the page that begins with <paramref name="first"/> and has words has no live id.</summary>
    public bool IsPageFree(uint first) => GetBlock((int)(first >> IdBitmap.Shift))!.IsPageFree((int)(first & OffsetMask));

    private int NextBlockWithFree(int from)
    {
        if (from >= BlockCount)
        {
            return -1;
        }

        int word = from >> 6;
        WordCount.Touch(1);
        ulong free = ~_fullBlocks[word] & (ulong.MaxValue << from);
        while (free == 0)
        {
            WordCount.Touch(1);
            if (++word == _fullBlocks.Length)
            {
                return -1;
            }

            free = ~_fullBlocks[word];
        }

        return (word << 6) + BitOperations.TrailingZeroCount(free);
    }
}

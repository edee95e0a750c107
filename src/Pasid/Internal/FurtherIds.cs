using System.Numerics;

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

    /// <summary>Bit i of word j: block 64 j + i is full.</summary>
    private readonly ulong[] _fullBlocks = new ulong[BlockCount / 64];

    public FurtherIds() => _rows[0] = _firstRow;

    /// <summary>Finds the lowest free id that is not below <paramref name="from"/>.</summary>
    /// <returns>The id, which may be 4294967295; or -1 if everything above is live.</returns>
    public long FindFree(uint from)
    {
        int block = NextBlockWithFree((int)(from >> IdBitmap.Shift));
        if (block != (int)(from >> IdBitmap.Shift))
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
        int block = (int)(id >> IdBitmap.Shift);
        if (GetBlock(block)!.MarkLive((int)(id & OffsetMask)))
        {
            _fullBlocks[block >> 6] |= 1ul << block;
        }
    }

    /// <returns><see langword="true"/> if the 64 ids around it are now all free.</returns>
    public bool MarkFree(uint id)
    {
        int block = (int)(id >> IdBitmap.Shift);
        _fullBlocks[block >> 6] &= ~(1ul << block);
        return GetBlock(block)!.MarkFree((int)(id & OffsetMask));
    }

    private long LowestIn(int block) => ((long)block << IdBitmap.Shift) | (uint)(GetBlock(block)?.FindFree(0) ?? 0);

    private IdBitmap? GetBlock(int block)
    {
        IdBitmap?[] firstRow = _firstRow;
        return (uint)block < (uint)firstRow.Length ? firstRow[block] : _rows[block >> RowShift]?[block & ((1 << RowShift) - 1)];
    }

    /// <summary>Tells whether the page that begins with <paramref name="first"/> and has words has no live id.</summary>
    public bool IsPageFree(uint first) => GetBlock((int)(first >> IdBitmap.Shift))!.IsPageFree((int)(first & OffsetMask));

    private int NextBlockWithFree(int from)
    {
        if (from >= BlockCount)
        {
            return -1;
        }

        int word = from >> 6;
        ulong free = ~_fullBlocks[word] & (ulong.MaxValue << from);
        while (free == 0)
        {
            if (++word == _fullBlocks.Length)
            {
                return -1;
            }

            free = ~_fullBlocks[word];
        }

        return (word << 6) + BitOperations.TrailingZeroCount(free);
    }
}

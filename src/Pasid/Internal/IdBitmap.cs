using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// The free ids of the space 0 .. 2^32-1 as a hierarchy of words in which a set bit means <em>free below here</em>, so
/// that the lowest free id at or above a number is found by one walk up and one down, whatever is live.
/// Memory follows what was touched; what was never touched is free. Not thread-safe.
/// </summary>
internal sealed class IdBitmap
{
    private const int BlockShift = 18;
    private const int DirectoryShift = 25;
    private const uint BlockMask = (1u << BlockShift) - 1;
    private const int BlockCount = 1 << (32 - BlockShift);

    /// <summary>Ids below 2^18.</summary>
    private Block _firstBlock = new();

    /// <summary>The other blocks, by bits 31..25 and 24..18 of the id; made with the first of them.</summary>
    private FurtherBlock?[]?[]? _directory;

    /// <summary>A set bit means that the block is full; made together with <see cref="_directory"/>.</summary>
    private ulong[]? _fullBlocks;

    /// <summary>Makes a bitmap in which the ids below 64 are live as <paramref name="live"/> says.</summary>
    public IdBitmap(ulong live) => _firstBlock.Adopt(live);

    /// <summary>Finds the lowest free id that is not below <paramref name="from"/>.</summary>
    /// <returns>The id, which may be 4294967295; or -1 if everything above is live.</returns>
    public long FindFree(uint from)
    {
        int block = (int)(from >> BlockShift);
        if (block == 0)
        {
            int free = _firstBlock.FindFree((int)from);
            return free >= 0 ? free : FindFreeAfter(0);
        }

        if (GetFurtherBlock(block) is not { } further)
        {
            return from;
        }

        int offset = further.Ids.FindFree((int)(from & BlockMask));
        return offset >= 0 ? ((long)block << BlockShift) | (uint)offset : FindFreeAfter(block);
    }

    /// <summary>Finds the lowest live id that is not below <paramref name="from"/>, or -1.</summary>
    public long FindLive(uint from)
    {
        int offset = (int)(from & BlockMask);
        for (int block = (int)(from >> BlockShift); block < BlockCount; block++, offset = 0)
        {
            if (block != 0 && _directory?[block >> (DirectoryShift - BlockShift)] is null)
            {
                block |= (1 << (DirectoryShift - BlockShift)) - 1;
                continue;
            }

            int found = block == 0 ? _firstBlock.FindLive(offset) : GetFurtherBlock(block)?.Ids.FindLive(offset) ?? -1;
            if (found >= 0)
            {
                return ((long)block << BlockShift) | (uint)found;
            }
        }

        return -1;
    }

    /// <summary>Makes room for <paramref name="id"/> and the whole page around it, so that <see cref="MarkLive"/> cannot fail.</summary>
    public void Reserve(uint id)
    {
        int block = (int)(id >> BlockShift);
        if (block == 0)
        {
            _firstBlock.Reserve((int)id);
        }
        else
        {
            EnsureFurtherBlock(block).Ids.Reserve((int)(id & BlockMask));
        }
    }

    /// <summary>Marks a free id as live; <see cref="Reserve"/> has been called for it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void MarkLive(uint id)
    {
        int block = (int)(id >> BlockShift);
        bool isFull = block == 0 ? _firstBlock.MarkLive((int)id) : GetFurtherBlock(block)!.Ids.MarkLive((int)(id & BlockMask));
        if (isFull && _fullBlocks is not null)
        {
            _fullBlocks[block >> 6] |= 1ul << block;
        }
    }

    /// <summary>Marks a live id as free.</summary>
    /// <returns><see langword="true"/> if its word of 64 ids became free, so that it is worth asking about the page.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool MarkFree(uint id)
    {
        int block = (int)(id >> BlockShift);
        if (_fullBlocks is not null)
        {
            _fullBlocks[block >> 6] &= ~(1ul << block);
        }

        return block == 0 ? _firstBlock.MarkFree((int)id) : GetFurtherBlock(block)!.Ids.MarkFree((int)(id & BlockMask));
    }

    /// <summary>Tells whether a page of 512 ids, which begins with <paramref name="first"/>, has no live id.</summary>
    public bool IsPageFree(uint first)
    {
        long live = FindLive(first);
        return live < 0 || live - first >= IoasidTable.PageLength;
    }

    private long FindFreeAfter(int block)
    {
        block = NextBlockWithFree(block + 1);
        return block < 0 ? -1 : ((long)block << BlockShift) | (uint)(GetFurtherBlock(block)?.Ids.FindFree(0) ?? 0);
    }

    private FurtherBlock? GetFurtherBlock(int block) =>
        _directory?[block >> (DirectoryShift - BlockShift)]?[block & ((1 << (DirectoryShift - BlockShift)) - 1)];

    private FurtherBlock EnsureFurtherBlock(int block)
    {
        if (_directory is null)
        {
            var fullBlocks = new ulong[BlockCount / 64];
            fullBlocks[0] = _firstBlock.IsFull ? 1ul : 0;
            _directory = new FurtherBlock?[]?[1 << (32 - DirectoryShift)];
            _fullBlocks = fullBlocks;
        }

        FurtherBlock?[] row = _directory[block >> (DirectoryShift - BlockShift)] ??= new FurtherBlock?[1 << (DirectoryShift - BlockShift)];
        return row[block & (row.Length - 1)] ??= new FurtherBlock();
    }

    private int NextBlockWithFree(int from)
    {
        if (_fullBlocks is null)
        {
            return from < BlockCount ? from : -1;
        }

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

    private sealed class FurtherBlock
    {
#pragma warning disable CA1051 // A property would copy the structure.
        public Block Ids = new();
#pragma warning restore CA1051
    }

    /// <summary>2^18 ids: one root word over 64 words over up to 4,096 words of 64 ids.</summary>
    private struct Block()
    {
        private const int LeafCount = 1 << (BlockShift - 6);
        
        /// <summary>Two pages; the lengths that follow are multiples of it.</summary>
        private const int SmallestLeafCount = 16;


        /// <summary>Bit i: word i of <see cref="_middles"/> is not zero.</summary>
        private ulong _root = ulong.MaxValue;

        /// <summary>Bit i of word j: leaf 64 j + i is not zero.</summary>
        private readonly ulong[] _middles = NewFree(64);

        /// <summary>Bit i of word j: id 64 j + i is free. Words beyond the end were never touched.</summary>
        private ulong[] _leaves = NewFree(SmallestLeafCount);

        public readonly bool IsFull => _root == 0;

        public readonly void Adopt(ulong live)
        {
            _leaves[0] = ~live;
            if (live == ulong.MaxValue)
            {
                _middles[0] &= ~1ul;
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public readonly int FindFree(int from)
        {
            int leaf = from >> 6;
            if (leaf >= _leaves.Length)
            {
                return from;
            }

            ulong free = _leaves[leaf] & (ulong.MaxValue << from);
            if (free != 0)
            {
                return (leaf << 6) + BitOperations.TrailingZeroCount(free);
            }

            int middle = leaf >> 6;
            ulong leaves = _middles[middle] & Above(leaf);
            if (leaves == 0)
            {
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

        public readonly int FindLive(int from)
        {
            ulong[] leaves = _leaves;
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

        public void Reserve(int offset)
        {
            int needed = (offset >> 6) + 1;
            if (needed <= _leaves.Length)
            {
                return;
            }

            int length = _leaves.Length;
            while (length < needed)
            {
                length *= 4;
            }

            ulong[] leaves = NewFree(Math.Min(length, LeafCount));
            _leaves.CopyTo(leaves, 0);
            _leaves = leaves;
        }

        /// <returns><see langword="true"/> if the block is now full.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MarkLive(int offset)
        {
            int leaf = offset >> 6;
            if ((_leaves[leaf] &= ~(1ul << offset)) != 0)
            {
                return false;
            }

            if ((_middles[leaf >> 6] &= ~(1ul << leaf)) != 0)
            {
                return false;
            }

            return (_root &= ~(1ul << (leaf >> 6))) == 0;
        }

        /// <returns><see langword="true"/> if the leaf is now free as a whole.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool MarkFree(int offset)
        {
            int leaf = offset >> 6;
            ulong before = _leaves[leaf];
            _leaves[leaf] = before | (1ul << offset);
            if (before == 0)
            {
                _middles[leaf >> 6] |= 1ul << leaf;
                _root |= 1ul << (leaf >> 6);
            }

            return (before | (1ul << offset)) == ulong.MaxValue;
        }

        /// <summary>The bits above <paramref name="index"/> modulo 64; two shifts, because a shift by 64 is a shift by 0.</summary>
        private static ulong Above(int index) => (ulong.MaxValue << index) << 1;

        private static ulong[] NewFree(int length)
        {
            ulong[] words = GC.AllocateUninitializedArray<ulong>(length);
            Array.Fill(words, ulong.MaxValue);
            return words;
        }
    }
}

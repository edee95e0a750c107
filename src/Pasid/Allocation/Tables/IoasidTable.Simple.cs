using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>
/// The common cases of allocation and free: what takes no memory and no call, so that it runs in registers inside the
/// caller. What is not so simple changes nothing here and is done by the general members.
/// </content>
internal sealed partial class IoasidTable
{
    /// <summary>What <see cref="TryAllocateSimply"/> answers if <see cref="TryAllocateFurther"/> has to go on.</summary>
    public const long IsFurther = -2;

    /// <summary>Makes the lowest free id of a range live if that takes neither memory nor a call: the gate is entered, the id
    /// is below 2^18 and has a slot, and the first owner asks.</summary>
    /// <returns>The id; <see cref="IsFurther"/> if it is not below 2^18; -1 if it is not simple for another reason. With a
    /// negative number nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long TryAllocateSimply(IoasidRange range, IoasidSet? owner, object? data)
    {
        long free = FindFree(range.Minimum);
        if ((ulong)free > range.Maximum)
        {
            return free == NotBelowFirstFurther ? IsFurther : -1;
        }

        uint id = (uint)free;
        ref Slot slot = ref FindLowSlot(id);
        if (!SlotWord.IsDead(slot.Word) || !ReferenceEquals(owner, _firstOwner) || !MarkLive(id))
        {
            return -1;
        }

        BeginCommonLife(ref slot, data);
        return id;
    }

    /// <summary>Goes on where <see cref="TryAllocateSimply"/> answered <see cref="IsFurther"/>, as simply, if the range begins
    /// no higher than the further ids.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long TryAllocateFurther(IoasidRange range, IoasidSet? owner, object? data)
    {
        if (_furtherIds is not { } furtherIds || range.Minimum > FirstFurther)
        {
            return -1;
        }

        IdBitmap? block = furtherIds.FindFirstBlock(out uint first);
        if (block is null)
        {
            return -1;
        }

        int offset = block.FindLowestFree();
        uint id = first + (uint)offset;
        ref Slot slot = ref FindLowSlot(id);
        if (id > range.Maximum || !SlotWord.IsDead(slot.Word) || !ReferenceEquals(owner, _firstOwner))
        {
            return -1;
        }

        if (block.MarkLive(offset))
        {
            furtherIds.MarkFull(id);
        }

        BeginCommonLife(ref slot, data);
        return id;
    }

    /// <summary>Frees an id if that takes no call: the gate is entered, the id is below 2^18 and live, has one reference and
    /// belongs to the first owner, and its page stays.</summary>
    /// <returns><see langword="false"/> if it is not that simple, and then nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFreeSimply(uint id)
    {
        if (id >= FirstFurther)
        {
            return false;
        }

        ref Slot slot = ref FindLowSlot(id);
        ulong word = slot.Word;
        if (!SlotWord.IsCommon(word) || !TryMarkFree(id))
        {
            return false;
        }

        EndLife(ref slot, word);
        return true;
    }

    /// <summary>Does what <see cref="TryFreeSimply"/> does, for an id from 2^18 on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFreeFurther(uint id)
    {
        ref Slot slot = ref FindLowSlot(id);
        ulong word = slot.Word;
        if (id < FirstFurther || !SlotWord.IsCommon(word) || !_furtherIds!.TryMarkFree(id))
        {
            return false;
        }

        EndLife(ref slot, word);
        return true;
    }

    /// <summary>Replaces the data of an id if it is live and below 2^21.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TrySetDataSimply(uint id, object? data)
    {
        ref Slot slot = ref FindLowSlot(id);
        if (!SlotWord.IsLive(slot.Word))
        {
            return false;
        }

        Volatile.Write(ref slot.Data, data);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginCommonLife(ref Slot slot, object? data)
    {
        ulong word = SlotWord.BeginCommon(slot.Word);
        Volatile.Write(ref _allocations, _allocations + 1);
        Volatile.Write(ref slot.Data, data);
        Volatile.Write(ref slot.Word, word);
    }
}

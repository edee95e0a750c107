using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>
/// The common cases of allocation and free: what takes no memory and no call, so that it runs in registers inside the
/// caller. What is not so simple changes nothing here and is done by the general members.
/// </content>
/// <remarks>
/// Written twice, for the ids below 2^18 and from there on, because neither copy can go; what each costs, by the figures of the
/// benchmarks, more than noise only:
/// <code>
/// gone                                    lines   pair_1   pair_1k   pair_100k   pair_full   drain
/// the map of the first 2^18 ids, for an
///   IdBitmap like the other blocks         -166     +2 %      +3 %        +6 %       +16 %   +15 %
/// the ways of the further ids too          -307     +8 %      +1 %                   +37 %   +43 %
/// TryLookupSimply and its like of binders          pasid_to_address_space 1.87 -> 2.29
/// </code>
/// </remarks>
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
        AssertInvariants();
        long free = IdMap.FindFree(this, range.Minimum);
        if ((ulong)free > range.Maximum)
        {
            return free == IdMap.NotBelowFirstFurther ? IsFurther : -1;
        }

        uint id = (uint)free;
        ref Slot slot = ref SlotPages.FindLow(this, id);
        if (!SlotWord.IsDead(slot.Word) || !Owners.IsFirst(owner) || !IdMap.TryMarkTaken(this, id))
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
        AssertInvariants();
        if (Ids.Further is not { } furtherIds || range.Minimum > IdMap.FirstFurther)
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
        ref Slot slot = ref SlotPages.FindLow(this, id);
        if (id > range.Maximum || !SlotWord.IsDead(slot.Word) || !Owners.IsFirst(owner))
        {
            return -1;
        }

        if (block.MarkTaken(offset))
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
        AssertInvariants();
        if (id >= IdMap.FirstFurther)
        {
            return false;
        }

        ref Slot slot = ref SlotPages.FindLow(this, id);
        ulong word = slot.Word;
        if (!SlotWord.IsCommon(word) || !IdMap.TryMarkFree(this, id))
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
        AssertInvariants();
        ref Slot slot = ref SlotPages.FindLow(this, id);
        ulong word = slot.Word;
        if (id < IdMap.FirstFurther || !SlotWord.IsCommon(word) || !Ids.Further!.TryMarkFree(id))
        {
            return false;
        }

        EndLife(ref slot, word);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginCommonLife(ref Slot slot, object? data)
    {
        ulong word = SlotWord.BeginCommon(slot.Word);
        Volatile.Write(ref Counts.Allocations, Counts.Allocations + 1);
        Volatile.Write(ref slot.Data, data);
        Volatile.Write(ref slot.Word, word);
    }
}

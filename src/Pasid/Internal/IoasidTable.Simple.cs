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
        Slot[] page = FindLowPage(id);
        uint index = id & (PageLength - 1);
        if (index >= (uint)page.Length || !ReferenceEquals(owner, _firstOwner) || !MarkLive(id))
        {
            return -1;
        }

        BeginCommonLife(ref page[index], data);
        return id;
    }

    /// <summary>Goes on where <see cref="TryAllocateSimply"/> answered <see cref="IsFurther"/>, as simply.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long TryAllocateFurther(IoasidRange range, IoasidSet? owner, object? data)
    {
        FurtherIds? furtherIds = _furtherIds;
        if (furtherIds is null)
        {
            return -1;
        }

        long free = furtherIds.FindFree(Math.Max(range.Minimum, FirstFurther));
        if ((ulong)free > Math.Min(range.Maximum, uint.MaxValue - 1))
        {
            return -1;
        }

        uint id = (uint)free;
        Slot[] page = FindLowPage(id);
        uint index = id & (PageLength - 1);
        if (index >= (uint)page.Length || !ReferenceEquals(owner, _firstOwner))
        {
            return -1;
        }

        furtherIds.MarkLive(id);
        BeginCommonLife(ref page[index], data);
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

        Slot[] page = FindLowPage(id);
        uint index = id & (PageLength - 1);
        if (index >= (uint)page.Length)
        {
            return false;
        }

        ref Slot slot = ref page[index];
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
        Slot[] page = FindLowPage(id);
        uint index = id & (PageLength - 1);
        if (id < FirstFurther || index >= (uint)page.Length)
        {
            return false;
        }

        ref Slot slot = ref page[index];
        ulong word = slot.Word;
        if (!SlotWord.IsCommon(word))
        {
            return false;
        }

        EndLife(ref slot, word);
        if (_furtherIds!.MarkFree(id))
        {
            RetirePage(id >> PageShift);
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void BeginCommonLife(ref Slot slot, object? data)
    {
        ulong word = SlotWord.BeginCommon(slot.Word);
        Volatile.Write(ref _liveCount, _liveCount + 1);
        Volatile.Write(ref slot.Data, data);
        Volatile.Write(ref slot.Word, word);
    }
}

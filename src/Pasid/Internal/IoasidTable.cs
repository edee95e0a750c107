using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// One id space: which ids are live, and the data, owner and references of each. The default allocator has one, and so
/// has each group of custom allocators. Members that end in <c>Unsynchronized</c> need the gate.
/// </summary>
/// <remarks>
/// The runtime lays the references out first, in this order, and the numbers after them. What lookups read comes first
/// and what writers write comes last, with 64 bytes that hardly anybody touches between, or each write would take the
/// cache line of the lookups away.
/// </remarks>
internal sealed partial class IoasidTable(CustomGroup? group)
{
    // Read by every lookup.
    private Slot[]? _firstPage;
    private Slot[]?[]? _lowPages;
    private IoasidSet? _firstOwner;

    // Rarely needed.
    private Slot[]?[]?[]? _highPages;
    private OwnerTags? _otherOwners;
    private readonly CustomGroup? _group = group;
    private Dictionary<uint, long>? _manyReferences;

    /// <summary>Which ids are live, once an id above 63 has been.</summary>
    private IdBitmap? _ids;

#pragma warning disable CS0169, IDE0051, CA1823 // Nobody reads the distance; it is there to be distance.
    private readonly long _distance1;
    private readonly long _distance2;
    private readonly long _distance3;
#pragma warning restore CS0169, IDE0051, CA1823

    // Written by every allocation and free.
    private ulong _smallLive;
    private long _liveCount;
    private int _firstOwnerIds;

    /// <summary>The one page that is kept although none of its ids is live, so that allocating and freeing at the
    /// border of a page does not make and drop it each time; 0 for none.</summary>
    private uint _retainedPage;

    private Gate _gate = new();

    /// <summary>Gets the group whose functions choose the ids; <see langword="null"/> for the default allocator.</summary>
    public CustomGroup? Group => _group;

    public long LiveCount => Volatile.Read(ref _liveCount);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter() => _gate.Enter();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => _gate.Exit();

    /// <summary>Looks an id up without a lock.</summary>
    public PasidStatus Lookup(uint id, IoasidSet? owner, out object? data)
    {
        ref Slot slot = ref FindSlot(id);
        if (!Unsafe.IsNullRef(ref slot))
        {
            ulong word = Volatile.Read(ref slot.Word);
            while (SlotWord.IsLive(word))
            {
                bool isOwned = owner is null || IsOwner(SlotWord.OwnerTag(word), owner);
                object? current = Volatile.Read(ref slot.Data);

                // A writer may have ended this life, and even begun another, between the reads above. The same word
                // before and after means that they belong to one moment.
                ulong again = Volatile.Read(ref slot.Word);
                if (SlotWord.IsSameLife(word, again))
                {
                    data = isOwned ? current : null;
                    return isOwned ? PasidStatus.Success : PasidStatus.AccessDenied;
                }

                word = again;
            }
        }

        data = null;
        return PasidStatus.NotFound;
    }

    /// <summary>Makes the lowest free id of a range live.</summary>
    public bool TryAllocateUnsynchronized(IoasidRange range, IoasidSet? owner, object? data, out uint id)
    {
        long free = range.IsEmpty ? -1 : FindFree(range.Minimum);
        id = (uint)free;
        if (free < 0 || free > Math.Min(range.Maximum, Ioasid.MaxValue.Value))
        {
            return false;
        }

        ref Slot slot = ref FindSlot(id);
        if (Unsafe.IsNullRef(ref slot) || !HasBitmapRoom(id))
        {
            slot = ref MakeRoom(id);
        }

        return TryBegin(ref slot, id, owner, data);
    }

    /// <summary>Makes a given id live.</summary>
    /// <returns><see langword="false"/> if it is live already, or if there are too many owners to number them.</returns>
    public bool TryInsertUnsynchronized(uint id, IoasidSet? owner, object? data)
    {
        ref Slot slot = ref MakeRoom(id);
        return !SlotWord.IsLive(slot.Word) && TryBegin(ref slot, id, owner, data);
    }

    /// <summary>Frees an id that has one reference.</summary>
    public PasidStatus FreeUnsynchronized(uint id)
    {
        ref Slot slot = ref FindSlot(id);
        if (Unsafe.IsNullRef(ref slot) || !SlotWord.IsLive(slot.Word))
        {
            return PasidStatus.NotFound;
        }

        if (SlotWord.References(slot.Word) != 1)
        {
            return PasidStatus.Busy;
        }

        End(ref slot, id);
        return PasidStatus.Success;
    }

    public PasidStatus SetDataUnsynchronized(uint id, object? data)
    {
        ref Slot slot = ref FindSlot(id);
        if (Unsafe.IsNullRef(ref slot) || !SlotWord.IsLive(slot.Word))
        {
            return PasidStatus.NotFound;
        }

        Volatile.Write(ref slot.Data, data);
        return PasidStatus.Success;
    }

    /// <summary>Gets the reference count of an id; 0 if it is not live.</summary>
    public long GetReferencesUnsynchronized(uint id)
    {
        ref Slot slot = ref FindSlot(id);
        if (Unsafe.IsNullRef(ref slot) || !SlotWord.IsLive(slot.Word))
        {
            return 0;
        }

        uint references = SlotWord.References(slot.Word);
        return references == SlotWord.ManyReferences ? _manyReferences![id] : references;
    }

    /// <summary>Sets the reference count of a live id; 0 frees it.</summary>
    public void SetReferencesUnsynchronized(uint id, long references)
    {
        ref Slot slot = ref FindSlot(id);
        if (references == 0)
        {
            End(ref slot, id);
            return;
        }

        if (references >= SlotWord.ManyReferences)
        {
            _manyReferences ??= [];
            _manyReferences[id] = references;
        }
        else
        {
            _manyReferences?.Remove(id);
        }

        Volatile.Write(ref slot.Word, SlotWord.WithReferences(slot.Word, (uint)Math.Min(references, SlotWord.ManyReferences)));
    }

    public bool TryFindLiveUnsynchronized(uint from, out uint id)
    {
        long live;
        if (_ids is not null)
        {
            live = _ids.FindLive(from);
        }
        else
        {
            ulong above = from > 63 ? 0 : _smallLive & (ulong.MaxValue << (int)from);
            live = above != 0 ? BitOperations.TrailingZeroCount(above) : -1;
        }

        id = (uint)live;
        return live >= 0;
    }

    /// <summary>Begins a life of an id that is free and has room.</summary>
    private bool TryBegin(ref Slot slot, uint id, IoasidSet? owner, object? data)
    {
        int tag = ReserveOwner(owner);
        if (tag < 0)
        {
            return false;
        }

        AddOwnersId(tag);
        if (_ids is null)
        {
            _smallLive |= 1ul << (int)id;
        }
        else
        {
            _ids.MarkLive(id);
        }

        Volatile.Write(ref slot.Data, data);
        Volatile.Write(ref slot.Word, SlotWord.Begin(slot.Word, tag));
        Volatile.Write(ref _liveCount, _liveCount + 1);
        return true;
    }

    /// <summary>Ends the life of an id.</summary>
    private void End(ref Slot slot, uint id)
    {
        ulong word = slot.Word;

        // The life ends before its data goes, so that a lookup that finds the data gone also finds another word.
        Volatile.Write(ref slot.Word, SlotWord.End(word));
        Volatile.Write(ref slot.Data, null);
        RemoveOwnersId(SlotWord.OwnerTag(word));
        Volatile.Write(ref _liveCount, _liveCount - 1);
        if (_ids is null)
        {
            _smallLive &= ~(1ul << (int)id);
        }
        else if (_ids.MarkFree(id) && id >= PageLength)
        {
            RetirePage(id >> PageShift);
        }
    }

    private long FindFree(uint from)
    {
        if (_ids is not null)
        {
            return _ids.FindFree(from);
        }

        if (from > 63)
        {
            return from;
        }

        ulong free = ~_smallLive & (ulong.MaxValue << (int)from);
        return free != 0 ? BitOperations.TrailingZeroCount(free) : 64;
    }

    private bool HasBitmapRoom(uint id) => _ids is null ? id < 64 : _ids.HasRoom(id);

    /// <summary>Makes the slot and the bitmap words of an id. All that may run out of memory happens here, before the
    /// first change that anyone could see.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private ref Slot MakeRoom(uint id)
    {
        ref Slot slot = ref EnsureSlot(id);
        if (!HasBitmapRoom(id))
        {
            IdBitmap ids = _ids ?? new IdBitmap(_smallLive);
            ids.Reserve(id);
            _ids = ids;
        }

        return ref slot;
    }
}

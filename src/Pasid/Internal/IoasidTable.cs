using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// One id space: which ids are live, and the data, owner and references of each. The default allocator has one, and so
/// has each group of custom allocators. Members that end in <c>Unsynchronized</c> need <see cref="Gate"/>.
/// </summary>
internal sealed class IoasidTable(CustomGroup? group)
{
    private IdBitmap _ids;
    private SlotTable _slots;
    private OwnerTags _owners;

    /// <summary>The reference counts that do not fit into a slot.</summary>
    private Dictionary<uint, long>? _manyReferences;

    private long _liveCount;

    /// <summary>The one page that is kept although none of its ids is live, so that allocating and freeing at the
    /// border of a page does not make and drop it each time; 0 for none.</summary>
    private uint _retainedPage;

    /// <summary>Gets the group whose functions choose the ids; <see langword="null"/> for the default allocator.</summary>
    public CustomGroup? Group { get; } = group;

    public Gate Gate { get; } = new();

    public long LiveCount => Volatile.Read(ref _liveCount);

    /// <summary>Looks an id up without a lock.</summary>
    public PasidStatus Lookup(uint id, IoasidSet? owner, out object? data)
    {
        ref Slot slot = ref _slots.Find(id);
        if (!Unsafe.IsNullRef(ref slot))
        {
            ulong word = Volatile.Read(ref slot.Word);
            while (SlotWord.IsLive(word))
            {
                bool isOwned = owner is null || _owners.IsOwner(SlotWord.OwnerTag(word), owner);
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

    public bool TryAllocateUnsynchronized(IoasidRange range, IoasidSet? owner, object? data, out uint id)
    {
        long free = range.IsEmpty ? -1 : _ids.FindFree(range.Minimum);
        id = (uint)free;
        return free >= 0
            && free <= Math.Min(range.Maximum, Ioasid.MaxValue.Value)
            && TryInsertUnsynchronized(id, owner, data);
    }

    /// <summary>Makes a given id live.</summary>
    /// <returns><see langword="false"/> if it is live already, or if there are too many owners to number them.</returns>
    public bool TryInsertUnsynchronized(uint id, IoasidSet? owner, object? data)
    {
        if (_ids.IsLive(id))
        {
            return false;
        }

        // All that may run out of memory comes before the first change that anyone could see.
        ref Slot slot = ref _slots.Ensure(id);
        _ids.Reserve(id);
        int tag = _owners.Reserve(owner);
        if (tag < 0)
        {
            return false;
        }

        _ids.MarkLive(id);
        _owners.AddId(tag);
        Volatile.Write(ref slot.Data, data);
        Volatile.Write(ref slot.Word, SlotWord.Begin(slot.Word, tag));
        Volatile.Write(ref _liveCount, _liveCount + 1);
        return true;
    }

    /// <summary>Makes a live id free.</summary>
    public void RemoveUnsynchronized(uint id)
    {
        ref Slot slot = ref _slots.Find(id);
        ulong word = slot.Word;

        // The life ends before its data goes, so that a lookup that finds the data gone also finds another word.
        Volatile.Write(ref slot.Word, SlotWord.End(word));
        Volatile.Write(ref slot.Data, null);
        _owners.RemoveId(SlotWord.OwnerTag(word));
        _manyReferences?.Remove(id);
        Volatile.Write(ref _liveCount, _liveCount - 1);
        if (_ids.MarkFree(id) && _ids.IsPageFree(id & ~((1u << SlotTable.PageShift) - 1)))
        {
            RetirePage(id >> SlotTable.PageShift);
        }
    }

    public bool IsLiveUnsynchronized(uint id) => _ids.IsLive(id);

    public PasidStatus SetDataUnsynchronized(uint id, object? data)
    {
        if (!_ids.IsLive(id))
        {
            return PasidStatus.NotFound;
        }

        Volatile.Write(ref _slots.Find(id).Data, data);
        return PasidStatus.Success;
    }

    /// <summary>Gets the reference count of an id; 0 if it is not live.</summary>
    public long GetReferencesUnsynchronized(uint id)
    {
        if (!_ids.IsLive(id))
        {
            return 0;
        }

        uint references = SlotWord.References(_slots.Find(id).Word);
        return references == SlotWord.ManyReferences ? _manyReferences![id] : references;
    }

    /// <summary>Sets the reference count, at least 1, of a live id.</summary>
    public void SetReferencesUnsynchronized(uint id, long references)
    {
        if (references >= SlotWord.ManyReferences)
        {
            _manyReferences ??= [];
            _manyReferences[id] = references;
        }
        else
        {
            _manyReferences?.Remove(id);
        }

        ref Slot slot = ref _slots.Find(id);
        Volatile.Write(ref slot.Word, SlotWord.WithReferences(slot.Word, (uint)Math.Min(references, SlotWord.ManyReferences)));
    }

    public IoasidSet? GetOwnerUnsynchronized(uint id) => _owners.GetOwner(SlotWord.OwnerTag(_slots.Find(id).Word));

    public bool TryFindLiveUnsynchronized(uint from, out uint id)
    {
        long live = _ids.FindLive(from);
        id = (uint)live;
        return live >= 0;
    }

    private void RetirePage(uint page)
    {
        // The first page is small and stays.
        if (page == 0)
        {
            return;
        }

        if (_retainedPage != 0 && _retainedPage != page && _ids.IsPageFree(_retainedPage << SlotTable.PageShift))
        {
            _slots.RemovePage(_retainedPage << SlotTable.PageShift);
        }

        _retainedPage = page;
    }
}

namespace Pasid.Internal;

/// <summary>
/// Numbers the owners that have live ids, so that a slot can name its owner in 20 bits. Tag 0 means no owner; a tag
/// whose last id was freed is given to another owner. Readers take no lock; writers hold the gate of the table.
/// </summary>
internal struct OwnerTags
{
    /// <summary>The owner of each tag.</summary>
    private IoasidSet?[]? _owners;

    /// <summary>How many live ids each tag has; for an unused tag, the complement of the next unused one.</summary>
    private int[]? _liveIds;

    private Dictionary<IoasidSet, int>? _tags;

    /// <summary>Complement of the first unused tag below <see cref="_next"/>; 0 if there is none.</summary>
    private int _firstUnused;

    /// <summary>The first tag that was never used, less one.</summary>
    private int _next;

    /// <summary>The owner that was asked for last, and its tag: most allocations in a row have one owner.</summary>
    private IoasidSet? _lastOwner;

    private int _lastTag;

    /// <summary>Tells whether <paramref name="tag"/> is that of <paramref name="owner"/>. True of a tag read from a
    /// slot only if the slot is still in the same life afterwards: until then the tag cannot change hands.</summary>
    public readonly bool IsOwner(int tag, IoasidSet owner)
    {
        IoasidSet?[]? owners = Volatile.Read(in _owners);
        return owners is not null && tag < owners.Length && ReferenceEquals(Volatile.Read(ref owners[tag]), owner);
    }

    public readonly IoasidSet? GetOwner(int tag) => tag == 0 ? null : _owners![tag];

    /// <summary>Finds or gives the tag of an owner and makes room for one more id.</summary>
    /// <returns>The tag, or -1 if all tags are in use.</returns>
    public int Reserve(IoasidSet? owner)
    {
        if (owner is null)
        {
            return 0;
        }

        if (ReferenceEquals(owner, _lastOwner))
        {
            return _lastTag;
        }

        _tags ??= new Dictionary<IoasidSet, int>(ReferenceEqualityComparer.Instance);
        if (!_tags.TryGetValue(owner, out int tag))
        {
            tag = Give(owner);
            if (tag < 0)
            {
                return -1;
            }
        }

        _lastOwner = owner;
        _lastTag = tag;
        return tag;
    }

    public readonly void AddId(int tag)
    {
        if (tag != 0)
        {
            _liveIds![tag]++;
        }
    }

    public void RemoveId(int tag)
    {
        if (tag == 0 || --_liveIds![tag] != 0)
        {
            return;
        }

        IoasidSet owner = _owners![tag]!;
        _tags!.Remove(owner);
        Volatile.Write(ref _owners[tag], null);
        _liveIds[tag] = _firstUnused;
        _firstUnused = ~tag;
        if (ReferenceEquals(owner, _lastOwner))
        {
            _lastOwner = null;
        }
    }

    private int Give(IoasidSet owner)
    {
        int tag = _firstUnused != 0 ? ~_firstUnused : _next + 1;
        if (tag > SlotWord.MaxOwnerTag)
        {
            return -1;
        }

        if (_owners is null || tag >= _owners.Length)
        {
            int length = Math.Max(4, tag * 2);
            var liveIds = new int[length];
            var owners = new IoasidSet?[length];
            _liveIds?.CopyTo(liveIds, 0);
            _owners?.CopyTo(owners, 0);
            _liveIds = liveIds;
            Volatile.Write(ref _owners, owners);
        }

        _tags!.Add(owner, tag);
        if (_firstUnused != 0)
        {
            _firstUnused = _liveIds![tag];
        }
        else
        {
            _next++;
        }

        _liveIds![tag] = 0;
        Volatile.Write(ref _owners[tag], owner);
        return tag;
    }
}

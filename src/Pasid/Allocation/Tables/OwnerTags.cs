namespace Pasid.Internal;

/// <summary>
/// Numbers the owners that have live ids, from tag 2 on, so that a slot can name its owner in 20 bits. A tag whose last
/// id was freed is given to another owner. Readers take no lock; writers hold the gate of the table.
/// </summary>
internal sealed class OwnerTags
{
    private const int FirstTag = 2;
    private const int SmallestLength = 4;

    /// <summary>From how many tags on a search through them all would cost more than the dictionary.</summary>
    private const int DictionaryLength = 8;

    /// <summary>How many tags are kept without an owner, so that a few owners that come and go make nothing anew.</summary>
    private const int MostKept = 64;

    private IoasidSet?[] _owners = new IoasidSet?[SmallestLength];

    /// <summary>How many live ids each tag has; for an unused tag, the unused one that follows it, 0 for none.</summary>
    private int[] _liveIds = new int[SmallestLength];

    /// <summary>The tags by owner, once they are many.</summary>
    private Dictionary<IoasidSet, int>? _tags;

    /// <summary>The first unused tag below <see cref="_next"/>; 0 for none.</summary>
    private int _firstUnused;

    /// <summary>The first tag that was never used.</summary>
    private int _next = FirstTag;

    private int _count;

    /// <summary>The tag that was asked for last: most allocations in a row have one owner.</summary>
    private int _lastTag;

    public int Bytes => 64 + 24 + (8 * _owners.Length) + 24 + (4 * _liveIds.Length) + (_tags is null ? 0 : 104 + (28 * _tags.EnsureCapacity(0)));

    /// <summary>Gets a value indicating whether no owner is left, and so many were there that it is better made anew.</summary>
    public bool IsOutgrown => _count == 0 && _owners.Length > MostKept;

    /// <summary>Tells whether <paramref name="tag"/> is that of <paramref name="owner"/>. True of a tag read from a
    /// slot only if the slot is still in the same life afterwards: until then the tag cannot change hands.</summary>
    public bool IsOwner(int tag, IoasidSet owner)
    {
        IoasidSet?[] owners = Volatile.Read(ref _owners);
        return tag < owners.Length && ReferenceEquals(Volatile.Read(ref owners[tag]), owner);
    }

    public IoasidSet? this[int tag] => _owners[tag];

    /// <summary>Tells whether a tag has an owner with so many live ids.</summary>
    public bool HasIds(int tag, long count) =>
        tag < _next && _owners[tag] is not null && _liveIds[tag] == count && (_tags is null || _tags.GetValueOrDefault(_owners[tag]!) == tag);

    public bool Has(IoasidSet owner) => Find(owner) != 0;

    /// <summary>Finds the tag of an owner if it is the one that was asked for last; -1 otherwise.</summary>
    public int FindLast(IoasidSet owner) => ReferenceEquals(_owners[_lastTag], owner) ? _lastTag : -1;

    /// <summary>Finds or gives the tag of an owner.</summary>
    /// <returns>The tag, or -1 if all tags are in use.</returns>
    public int Reserve(IoasidSet owner)
    {
        int tag = Find(owner);
        if (tag == 0)
        {
            tag = Give(owner);
        }

        _lastTag = Math.Max(tag, 0);
        return tag;
    }

    public void AddId(int tag) => _liveIds[tag]++;

    public void RemoveId(int tag)
    {
        if (--_liveIds[tag] == 0)
        {
            _tags?.Remove(_owners[tag]!);
            Volatile.Write(ref _owners[tag], null);
            _liveIds[tag] = _firstUnused;
            _firstUnused = tag;
            _count--;
        }
    }

    private int Find(IoasidSet owner)
    {
        if (_tags is not null)
        {
            return _tags.GetValueOrDefault(owner);
        }

        int tag = _next - 1;
        while (tag >= FirstTag && !ReferenceEquals(_owners[tag], owner))
        {
            tag--;
        }

        return tag >= FirstTag ? tag : 0;
    }

    private int Give(IoasidSet owner)
    {
        int tag = _firstUnused != 0 ? _firstUnused : _next;
        if (tag > SlotWord.MaxOwnerTag)
        {
            return -1;
        }

        if (tag >= _owners.Length)
        {
            Grow();
        }

        _tags?.Add(owner, tag);
        if (tag == _firstUnused)
        {
            _firstUnused = _liveIds[tag];
        }
        else
        {
            _next++;
        }

        _liveIds[tag] = 0;
        _count++;
        Volatile.Write(ref _owners[tag], owner);
        return tag;
    }

    private void Grow()
    {
        int length = _owners.Length * 2;
        var liveIds = new int[length];
        var owners = new IoasidSet?[length];
        _liveIds.CopyTo(liveIds, 0);
        _owners.CopyTo(owners, 0);
        if (_tags is null && length > DictionaryLength)
        {
            var tags = new Dictionary<IoasidSet, int>(length, ReferenceEqualityComparer.Instance);
            for (int tag = FirstTag; tag < _next; tag++)
            {
                if (_owners[tag] is { } owner)
                {
                    tags.Add(owner, tag);
                }
            }

            _tags = tags;
        }

        _liveIds = liveIds;
        Volatile.Write(ref _owners, owners);
    }
}

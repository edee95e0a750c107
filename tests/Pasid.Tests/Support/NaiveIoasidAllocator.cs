namespace Pasid.Tests.Support;

/// <summary>The simplest allocator that is right: one lock, a sorted dictionary, a search from the lowest number up.</summary>
internal sealed class NaiveIoasidAllocator : IIoasidAllocator
{
    private readonly object _gate = new();
    private readonly SortedDictionary<uint, Record> _records = [];

    public long LiveCount
    {
        get
        {
            lock (_gate)
            {
                return _records.Count;
            }
        }
    }

    public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        lock (_gate)
        {
            for (long candidate = range.Minimum; candidate <= range.Maximum && candidate != uint.MaxValue; candidate++)
            {
                if (_records.TryAdd((uint)candidate, new Record(ioasidSet, data)))
                {
                    id = new Ioasid((uint)candidate);
                    return true;
                }
            }

            id = Ioasid.Invalid;
            return false;
        }
    }

    public PasidStatus Free(Ioasid id)
    {
        lock (_gate)
        {
            if (!_records.TryGetValue(id.Value, out Record? record))
            {
                return PasidStatus.NotFound;
            }

            if (record.References != 1)
            {
                return PasidStatus.Busy;
            }

            _records.Remove(id.Value);
            return PasidStatus.Success;
        }
    }

    public PasidStatus AddReference(Ioasid id)
    {
        lock (_gate)
        {
            if (!_records.TryGetValue(id.Value, out Record? record))
            {
                return PasidStatus.NotFound;
            }

            record.References++;
            return PasidStatus.Success;
        }
    }

    public IoasidRelease DropReference(Ioasid id)
    {
        lock (_gate)
        {
            if (!_records.TryGetValue(id.Value, out Record? record))
            {
                return IoasidRelease.Unknown;
            }

            if (--record.References != 0)
            {
                return IoasidRelease.StillReferenced;
            }

            _records.Remove(id.Value);
            return IoasidRelease.Freed;
        }
    }

    public PasidStatus SetData(Ioasid id, object? data)
    {
        lock (_gate)
        {
            if (!_records.TryGetValue(id.Value, out Record? record))
            {
                return PasidStatus.NotFound;
            }

            record.Data = data;
            return PasidStatus.Success;
        }
    }

    public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
    {
        data = null;
        Record? record;
        lock (_gate)
        {
            if (!_records.TryGetValue(id.Value, out record))
            {
                return PasidStatus.NotFound;
            }
        }

        if (ioasidSet is not null && ioasidSet != record.Owner)
        {
            return PasidStatus.AccessDenied;
        }

        data = predicate is null || predicate(record.Data) ? record.Data : null;
        return PasidStatus.Success;
    }

    public bool TryFindLive(Ioasid from, out Ioasid id)
    {
        lock (_gate)
        {
            foreach (uint live in _records.Keys)
            {
                if (live >= from.Value)
                {
                    id = new Ioasid(live);
                    return true;
                }
            }

            id = Ioasid.Invalid;
            return false;
        }
    }

    private sealed class Record(IoasidSet? owner, object? data)
    {
        public IoasidSet? Owner { get; } = owner;

        public object? Data { get; set; } = data;

        public long References { get; set; } = 1;
    }
}

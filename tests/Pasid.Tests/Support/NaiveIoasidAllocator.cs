namespace Pasid.Tests.Support;

/// <summary>The simplest allocator that is right: one lock, a sorted dictionary, a search from the lowest number up.</summary>
internal sealed class NaiveIoasidAllocator(IoasidReusePolicy? policy = null) : IIoasidAllocator
{
    private readonly IoasidReusePolicy _policy = policy ?? IoasidReusePolicy.LowestFirst;

    /// <summary>The ids held back, oldest first.</summary>
    private readonly List<uint> _held = [];

    private long _last = -1;
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
            long given = Choose(range);
            if (given < 0)
            {
                id = Ioasid.Invalid;
                return false;
            }

            _last = given;
            id = new Ioasid((uint)given);
            _records.Add(id.Value, new Record(ioasidSet, data));
            return true;
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

            Remove(id.Value);
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

            Remove(id.Value);
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

    private long Choose(IoasidRange range)
    {
        long first = _policy.Order == IoasidReuseOrder.Cyclic ? Math.Max(range.Minimum, _last + 1) : range.Minimum;
        for (long candidate = first; candidate <= range.Maximum; candidate++)
        {
            if (IsFree(candidate))
            {
                return candidate;
            }
        }

        for (long candidate = range.Minimum; candidate < first && candidate <= range.Maximum; candidate++)
        {
            if (IsFree(candidate))
            {
                return candidate;
            }
        }

        int oldest = _policy.Exhaustion == QuarantineExhaustion.ReleaseOldest ? _held.FindIndex(held => range.Contains(new Ioasid(held))) : -1;
        if (oldest < 0)
        {
            return -1;
        }

        uint released = _held[oldest];
        _held.RemoveAt(oldest);
        return released;
    }

    private bool IsFree(long candidate) => candidate != uint.MaxValue && !_records.ContainsKey((uint)candidate) && !_held.Contains((uint)candidate);

    private void Remove(uint id)
    {
        _records.Remove(id);
        if (_policy.Order == IoasidReuseOrder.Quarantine)
        {
            _held.Add(id);
            if (_held.Count > _policy.Frees)
            {
                _held.RemoveAt(0);
            }
        }
    }

    private sealed class Record(IoasidSet? owner, object? data)
    {
        public IoasidSet? Owner { get; } = owner;

        public object? Data { get; set; } = data;

        public long References { get; set; } = 1;
    }
}

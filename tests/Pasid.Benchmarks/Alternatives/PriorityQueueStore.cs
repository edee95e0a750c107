namespace Pasid.Benchmarks.Alternatives;

/// <summary>A lock, the freed ids in a PriorityQueue below a watermark, the entries in a Dictionary. Lowest free first.</summary>
internal readonly struct PriorityQueueStore() : IIdStore
{
    private readonly State _state = new();

    public uint Allocate(object owner, object data)
    {
        State state = _state;
        lock (state.Gate)
        {
            uint id = state.Freed.Count != 0 ? state.Freed.Dequeue() : ++state.Watermark;
            state.Entries.Add(id, new Entry(data, owner));
            return id;
        }
    }

    public void Free(uint id)
    {
        State state = _state;
        lock (state.Gate)
        {
            if (state.Entries.Remove(id))
            {
                state.Freed.Enqueue(id, id);
            }
        }
    }

    public object? Find(uint id, object owner)
    {
        State state = _state;
        lock (state.Gate)
        {
            return state.Entries.TryGetValue(id, out Entry entry) && ReferenceEquals(entry.Owner, owner) ? entry.Data : null;
        }
    }

    private sealed class State
    {
        public readonly Lock Gate = new();
        public readonly PriorityQueue<uint, uint> Freed = new();
        public readonly Dictionary<uint, Entry> Entries = [];
        public uint Watermark;
    }
}

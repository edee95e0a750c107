using System.Collections.Concurrent;

namespace Pasid.Benchmarks.Alternatives;

/// <summary>The freed ids in a ConcurrentQueue, the entries in a ConcurrentDictionary. First freed first: not the lowest.</summary>
internal readonly struct QueueStore() : IIdStore
{
    private readonly State _state = new();

    public uint Allocate(object owner, object data)
    {
        State state = _state;
        if (!state.Freed.TryDequeue(out uint id))
        {
            id = Interlocked.Increment(ref state.Watermark);
        }

        state.Entries.TryAdd(id, new Entry(data, owner));
        return id;
    }

    public void Free(uint id)
    {
        State state = _state;
        if (state.Entries.TryRemove(id, out _))
        {
            state.Freed.Enqueue(id);
        }
    }

    public object? Find(uint id, object owner) =>
        _state.Entries.TryGetValue(id, out Entry entry) && ReferenceEquals(entry.Owner, owner) ? entry.Data : null;

    private sealed class State
    {
        public readonly ConcurrentQueue<uint> Freed = new();
        public readonly ConcurrentDictionary<uint, Entry> Entries = new();
        public uint Watermark;
    }
}

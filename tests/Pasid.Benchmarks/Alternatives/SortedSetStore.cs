using System.Runtime.InteropServices;

namespace Pasid.Benchmarks.Alternatives;

/// <summary>A lock, the freed ids in a SortedSet below a watermark, the entries in a Dictionary. Lowest free first.</summary>
internal readonly struct SortedSetStore() : IIdStore
{
    private readonly State _state = new();

    public uint Allocate(object owner, object data)
    {
        State state = _state;
        lock (state.Gate)
        {
            uint id;
            if (state.Freed.Count != 0)
            {
                id = state.Freed.Min;
                state.Freed.Remove(id);
            }
            else
            {
                id = ++state.Watermark;
            }

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
                state.Freed.Add(id);
            }
        }
    }

    public object? Find(uint id, object owner)
    {
        State state = _state;
        lock (state.Gate)
        {
            ref Entry entry = ref CollectionsMarshal.GetValueRefOrNullRef(state.Entries, id);
            return !System.Runtime.CompilerServices.Unsafe.IsNullRef(ref entry) && ReferenceEquals(entry.Owner, owner) ? entry.Data : null;
        }
    }

    private sealed class State
    {
        public readonly Lock Gate = new();
        public readonly SortedSet<uint> Freed = [];
        public readonly Dictionary<uint, Entry> Entries = [];
        public uint Watermark;
    }
}

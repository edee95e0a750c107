using System.Numerics;

namespace Pasid.Benchmarks.Alternatives;

/// <summary>A lock, one bit an id in words that are scanned from the lowest that may have a free one, entries in an array;
/// all of it made beforehand. Lowest free first.</summary>
internal readonly struct WordScanStore() : IIdStore
{
    private readonly State _state = new();

    public uint Allocate(object owner, object data)
    {
        State state = _state;
        lock (state.Gate)
        {
            ulong[] words = state.Free;
            int word = state.Hint;
            while (words[word] == 0)
            {
                word++;
            }

            state.Hint = word;
            int bit = BitOperations.TrailingZeroCount(words[word]);
            words[word] &= words[word] - 1;
            int id = (word << 6) + bit;
            state.Entries[id] = new Entry(data, owner);
            return (uint)id;
        }
    }

    public void Free(uint id)
    {
        State state = _state;
        lock (state.Gate)
        {
            int word = (int)(id >> 6);
            state.Free[word] |= 1ul << (int)id;
            state.Entries[id] = default;
            state.Hint = Math.Min(state.Hint, word);
        }
    }

    public object? Find(uint id, object owner)
    {
        State state = _state;
        lock (state.Gate)
        {
            Entry entry = state.Entries[id];
            return ReferenceEquals(entry.Owner, owner) ? entry.Data : null;
        }
    }

    private sealed class State
    {
        public readonly Lock Gate = new();
        public readonly ulong[] Free = NewFree();
        public readonly Entry[] Entries = new Entry[IoasidRange.PasidLimit];
        public int Hint;

        private static ulong[] NewFree()
        {
            ulong[] words = new ulong[IoasidRange.PasidLimit / 64];
            Array.Fill(words, ulong.MaxValue);
            words[0] &= ~1ul;
            return words;
        }
    }
}

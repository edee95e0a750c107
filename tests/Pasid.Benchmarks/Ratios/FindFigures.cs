using System.Collections.Concurrent;
using System.Diagnostics;
using Pasid.Benchmarks.Alternatives;

namespace Pasid.Benchmarks.Ratios;

/// <summary>Lookups with an owner check, alone and beside other threads.</summary>
internal static class FindFigures
{
    private const int Beside = 1_000;
    private static readonly TimeSpan s_window = TimeSpan.FromMilliseconds(60);
    private static readonly IoasidSet s_owner = new("owner");
    private static readonly object s_data = new();

    public static IEnumerable<Figure> All =>
    [
        new("find_1k", 3.2, IsUpper: true, () => Sampler.Ratio(Ours(1_000), ArrayReads(1_000))),
        new("find_100k", 3.2, IsUpper: true, () => Sampler.Ratio(Ours(100_000), ArrayReads(100_000))),
        new("find_full", 4, IsUpper: true, () => Sampler.Ratio(Ours(PairFigures.Full), ArrayReads(PairFigures.Full))),
        new("find_miss", 1.0, IsUpper: true, MissToHit),
        new("find_vs_concurrentdictionary_1k", 1.1, IsUpper: false, () => Sampler.Ratio(Dictionary(1_000), Ours(1_000))),
        new("find_vs_concurrentdictionary_100k", 3, IsUpper: false, () => Sampler.Ratio(Dictionary(100_000), Ours(100_000))),
        new("find_vs_concurrentdictionary_full", 1.4, IsUpper: false, () => Sampler.Ratio(Dictionary(PairFigures.Full), Ours(PairFigures.Full))),
        new("find_beside_writer", 0.6, IsUpper: false, () => BesideEachOther().Reader),
        new("writer_beside_find", 0.4, IsUpper: false, () => BesideEachOther().Writer),
        new("two_finders", 1.6, IsUpper: false, TwoFinders),
        new("two_writers", 0.25, IsUpper: false, TwoWriters),
        new("two_writers_share", 10, IsUpper: false, SmallestShare),
    ];

    public static Action<int> Finds<TStore>(TStore store, uint[] ids)
        where TStore : struct, IIdStore
    {
        int next = 0;
        int missing = 0;
        return count =>
        {
            TStore measured = store;
            uint[] order = ids;
            object owner = s_owner;
            int absent = missing;
            int at = next;
            for (int i = 0; i < count; i++)
            {
                at = at + 1 < order.Length ? at + 1 : 0;
                absent += measured.Find(order[at], owner) is null ? 1 : 0;
            }

            next = at;
            missing = absent;
        };
    }

    private static PasidStore Filled(int count)
    {
        var store = new PasidStore(new IoasidAllocator());
        for (int i = 0; i < count; i++)
        {
            store.Allocate(s_owner, s_data);
        }

        return store;
    }

    private static Action<int> Ours(int count) => Finds(Filled(count), PairFigures.Live(count));

    /// <summary>The least that a lookup can be: one volatile read of an element of 16 bytes.</summary>
    private static Action<int> ArrayReads(int count)
    {
        var slots = new Entry[count + 1];
        Array.Fill(slots, new Entry(s_data, s_owner));
        return Finds(new ArrayStore(slots), PairFigures.Live(count));
    }

    private static Action<int> Dictionary(int count)
    {
        var entries = new ConcurrentDictionary<uint, Entry>();
        for (uint id = 1; id <= count; id++)
        {
            entries[id] = new Entry(s_data, s_owner);
        }

        return Finds(new DictionaryStore(entries), PairFigures.Live(count));
    }

    /// <summary>Every second id is free, so that hits and misses touch the same pages.</summary>
    private static double MissToHit()
    {
        const int Count = 200_000;
        PasidStore store = Filled(Count);
        uint[] ids = PairFigures.Live(Count);
        foreach (uint id in ids.Where(id => id % 2 == 0))
        {
            store.Free(id);
        }

        return Sampler.Ratio(
            Finds(store, [.. ids.Where(id => id % 2 == 0)]),
            Finds(store, [.. ids.Where(id => id % 2 == 1)]));
    }

    /// <summary>The reader looks up one half of the ids while the writer frees and allocates in the other: what they have in
    /// common is the table, not the records.</summary>
    private static (double Reader, double Writer) BesideEachOther()
    {
        PasidStore store = Filled(Beside);
        uint[] ids = PairFigures.Live(Beside);
        Func<Action<int>> find = () => Finds(store, [.. ids.Where(id => id <= Beside / 2)]);
        Func<Action<int>> pair = () => PairFigures.Pairs(store, [.. ids.Where(id => id > Beside / 2)]);
        double[] besideReader = [0];
        double[] besideWriter = [0];
        double[] throughputs = Sampler.Throughputs(
            () => Run(find())[0],
            () => Run(pair())[0],
            () =>
            {
                double[] both = Run(find(), pair());
                besideReader[0] = both[0];
                besideWriter[0] = both[1];
                return both[0];
            },
            () => besideWriter[0]);
        return (throughputs[2] / throughputs[0], throughputs[3] / throughputs[1]);
    }

    private static double TwoFinders()
    {
        PasidStore store = Filled(Beside);
        Func<Action<int>> find = () => Finds(store, PairFigures.Live(Beside));
        double[] throughputs = Sampler.Throughputs(() => Run(find())[0], () => Run(find(), find()).Sum());
        return throughputs[1] / throughputs[0];
    }

    /// <summary>Each thread frees and allocates among ids of its own half.</summary>
    private static double TwoWriters()
    {
        PasidStore store = Filled(Beside);
        Func<int, Action<int>> pair = half => Exchanges(store, half);
        double[] throughputs = Sampler.Throughputs(() => Run(pair(0))[0], () => Run(pair(0), pair(1)).Sum());
        return throughputs[1] / throughputs[0];
    }

    private static double SmallestShare()
    {
        PasidStore store = Filled(Beside);
        double[] shares = Sampler.Throughputs(() =>
        {
            double[] all = Run(Exchanges(store, 0), Exchanges(store, 1), Exchanges(store, 2), Exchanges(store, 3));
            return 100 * all.Min() / all.Sum();
        });
        return shares[0];
    }

    /// <summary>A thread allocates an id and frees it again: beside other writers the lowest free id is not the one it freed.</summary>
    private static Action<int> Exchanges(PasidStore store, int seed)
    {
        _ = seed;
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                store.Free(store.Allocate(s_owner, s_data));
            }
        };
    }

    /// <summary>Runs each piece of work on a thread of its own for a while, and answers the operations a second of each.</summary>
    private static double[] Run(params Action<int>[] works)
    {
        const int Chunk = 256;
        double[] throughputs = new double[works.Length];
        using var start = new Barrier(works.Length);
        bool stop = false;
        Thread[] threads = [.. works.Select((work, index) => new Thread(() =>
        {
            work(20_000);
            start.SignalAndWait();
            long begin = Stopwatch.GetTimestamp();
            long done = 0;
            do
            {
                work(Chunk);
                done += Chunk;
            }
            while (!Volatile.Read(ref stop));

            throughputs[index] = done / Stopwatch.GetElapsedTime(begin).TotalSeconds;
        }))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        Thread.Sleep(s_window);
        Volatile.Write(ref stop, true);
        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        return throughputs;
    }

    private readonly struct ArrayStore(Entry[] slots) : IIdStore
    {
        public uint Allocate(object owner, object data) => throw new NotSupportedException();

        public void Free(uint id) => throw new NotSupportedException();

        public object? Find(uint id, object owner) => Volatile.Read(ref System.Runtime.CompilerServices.Unsafe.As<Entry, object?>(ref slots[id]));
    }

    private readonly struct DictionaryStore(ConcurrentDictionary<uint, Entry> entries) : IIdStore
    {
        public uint Allocate(object owner, object data) => throw new NotSupportedException();

        public void Free(uint id) => throw new NotSupportedException();

        public object? Find(uint id, object owner) =>
            entries.TryGetValue(id, out Entry entry) && ReferenceEquals(entry.Owner, owner) ? entry.Data : null;
    }
}

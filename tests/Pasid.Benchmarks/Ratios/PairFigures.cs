using Pasid.Benchmarks.Alternatives;

namespace Pasid.Benchmarks.Ratios;

/// <summary>Allocation and free. A pair frees a random live id and allocates the lowest free one, which is the same.</summary>
internal static class PairFigures
{
    public const int Full = IoasidRange.PasidLimit - 2;

    private static readonly (string Name, int Count)[] s_sizes = [("1", 1), ("1k", 1_000), ("100k", 100_000), ("full", Full)];
    private static readonly IoasidSet s_owner = new("owner");
    private static readonly object s_data = new();

    public static IEnumerable<Figure> All =>
    [
        .. Sizes("pair", [2.2, 3.2, 4.5, 5.5], isUpper: true, count => Sampler.Ratio(Ours(count), Ideal(count))),
        new("pair_hot_growth", 3.0, IsUpper: true, () => Sampler.Ratio(Pairs(Filled(new PasidStore(new IoasidAllocator()), Full), Live(Full)[^64..]), Ours(1))),
        new("pair_holes", 1.3, IsUpper: true, () => Sampler.Ratio(Holes(), Ours(Full))),
        new("pair_ranged", 1.5, IsUpper: true, () => Sampler.Ratio(Ranged(100_000), Ours(100_000))),
        .. Sizes("vs_sortedset", [4, 2.5, 4, 2], isUpper: false, count => Sampler.Ratio(Pairs(Filled(new SortedSetStore(), count), Live(count)), Ours(count))),
        .. Sizes("vs_priorityqueue", [2.5, 1.7, 2.5, 1.7], isUpper: false, count => Sampler.Ratio(Pairs(Filled(new PriorityQueueStore(), count), Live(count)), Ours(count))),
        .. Sizes("vs_queue", [4, 2.8, 3, 1.4], isUpper: false, count => Sampler.Ratio(Pairs(Filled(new QueueStore(), count), Live(count)), Ours(count))),
        .. Sizes("vs_wordscan", [1.5, 1.3, 5, 10], isUpper: false, count => Sampler.Ratio(Pairs(Filled(new WordScanStore(), count), Live(count)), Ours(count))),
        new("batch_100k", 6, IsUpper: false, () => Sampler.Ratio(Batches(Filled(new SortedSetStore(), 100_000), Live(100_000)), Batches(Filled(new PasidStore(new IoasidAllocator()), 100_000), Live(100_000)))),
        new("batch_full", 3.5, IsUpper: false, () => Sampler.Ratio(Batches(Filled(new SortedSetStore(), Full), Live(Full)), Batches(Filled(new PasidStore(new IoasidAllocator()), Full), Live(Full)))),
        new("fill", 4, IsUpper: true, () => FillAndDrain().Fill),
        new("drain", 12, IsUpper: true, () => FillAndDrain().Drain),
    ];

    /// <summary>The time of two uncontended compare-exchanges and what it takes to do them in a loop.</summary>
    public static Action<int> TwoExchanges()
    {
        int[] word = new int[1];
        return count =>
        {
            ref int measured = ref word[0];
            for (int i = 0; i < count; i++)
            {
                Interlocked.CompareExchange(ref measured, 1, 0);
                Interlocked.CompareExchange(ref measured, 0, 1);
            }
        };
    }

    public static TStore Filled<TStore>(TStore store, int count)
        where TStore : struct, IIdStore
    {
        for (int i = 0; i < count; i++)
        {
            store.Allocate(s_owner, s_data);
        }

        return store;
    }

    /// <summary>The ids 1 .. count in random order.</summary>
    public static uint[] Live(int count)
    {
        uint[] ids = [.. Enumerable.Range(1, count).Select(id => (uint)id)];
        new Random(count).Shuffle(ids);
        return ids;
    }

    public static Action<int> Pairs<TStore>(TStore store, uint[] ids)
        where TStore : struct, IIdStore
    {
        int next = 0;
        return count =>
        {
            // Locals: what a closure holds would be read anew in each round.
            TStore measured = store;
            uint[] order = ids;
            int at = next;
            for (int i = 0; i < count; i++)
            {
                at = at + 1 < order.Length ? at + 1 : 0;
                measured.Free(order[at]);
                order[at] = measured.Allocate(s_owner, s_data);
            }

            next = at;
        };
    }

    private static IEnumerable<Figure> Sizes(string name, double[] bounds, bool isUpper, Func<int, double> measure) =>
        s_sizes.Select((size, index) => new Figure($"{name}_{size.Name}", bounds[index], isUpper, () => measure(size.Count)));

    private static Action<int> Ours(int count) => Pairs(Filled(new PasidStore(new IoasidAllocator()), count), Live(count));

    private static Action<int> Ideal(int count)
    {
        var ideal = new IdealStore(count + 1);
        uint[] ids = Live(count);
        int next = 0;
        return operations =>
        {
            IdealStore measured = ideal;
            uint[] order = ids;
            int at = next;
            for (int i = 0; i < operations; i++)
            {
                at = at + 1 < order.Length ? at + 1 : 0;
                measured.Pair(order[at], s_data);
            }

            next = at;
        };
    }

    private static Action<int> Holes()
    {
        const int Scattered = 4_000;
        const int Live = IoasidRange.PasidLimit - 5_000;
        PasidStore store = Filled(new PasidStore(new IoasidAllocator()), Live + Scattered);
        uint[] ids = PairFigures.Live(Live + Scattered);
        foreach (uint id in ids.AsSpan(0, Scattered))
        {
            store.Free(id);
        }

        return Pairs(store, ids[Scattered..]);
    }

    private static Action<int> Ranged(int count)
    {
        var allocator = new IoasidAllocator();
        Filled(new PasidStore(allocator), count);
        uint minimum = (uint)count + 1;
        PasidStore above = Filled(new PasidStore(allocator, minimum), count);
        return Pairs(above, [.. Live(count).Select(id => id + (uint)count)]);
    }

    /// <summary>1,024 random frees, then as many allocations; one operation is one of each.</summary>
    private static Action<int> Batches<TStore>(TStore store, uint[] ids)
        where TStore : struct, IIdStore
    {
        const int Size = 1_024;
        int next = 0;
        return count =>
        {
            for (int done = 0; done < count; done += Size)
            {
                next = next + Size <= ids.Length - Size ? next + Size : 0;
                Span<uint> batch = ids.AsSpan(next, Size);
                foreach (uint id in batch)
                {
                    store.Free(id);
                }

                for (int i = 0; i < Size; i++)
                {
                    batch[i] = store.Allocate(s_owner, s_data);
                }
            }
        };
    }

    private static (double Fill, double Drain) FillAndDrain()
    {
        const int Count = IoasidRange.PasidLimit - 1;
        const int Rounds = 7;
        const int WarmUps = 5;
        Action<int> exchanges = TwoExchanges();
        exchanges(100_000);
        double[] fills = new double[Rounds];
        double[] drains = new double[Rounds];
        double[] units = new double[Rounds];
        uint[] ids = Live(Count);
        for (int warmUp = -WarmUps; warmUp < Rounds; warmUp++)
        {
            // The rounds that are not counted bring the code to its last tier and the heap to its size. The pages of the
            // round before are used again: what the operating system takes for fresh memory is not ours.
            int round = Math.Max(warmUp, 0);
            GC.Collect();
            var store = new PasidStore(new IoasidAllocator());
            fills[round] = Sampler.Time(count => Filled(store, count), Count);
            drains[round] = Sampler.Time(
                count =>
                {
                    foreach (uint id in ids)
                    {
                        store.Free(id);
                    }
                },
                Count);
            units[round] = Sampler.Time(exchanges, Count);
        }

        double unit = Sampler.Median(units);
        return (Sampler.Median(fills) / unit, Sampler.Median(drains) / unit);
    }
}

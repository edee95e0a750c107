using BenchmarkDotNet.Attributes;
using Pasid.Benchmarks.Alternatives;
using Pasid.Benchmarks.Ratios;

namespace Pasid.Benchmarks.Questions;

/// <summary>What does it cost to free a random live id and allocate the lowest free one, and what would one write instead?</summary>
[MemoryDiagnoser]
public class PairBenchmarks
{
    private const int Pairs = 1_024;
    private Action<int> _pasid = null!;
    private Action<int> _sortedSet = null!;
    private Action<int> _priorityQueue = null!;
    private Action<int> _queue = null!;
    private Action<int> _wordScan = null!;

    /// <summary>Gets or sets how many ids are live.</summary>
    [Params(1, 1_000, 100_000, PairFigures.Full)]
    public int Live { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _pasid = PairFigures.Pairs(PairFigures.Filled(new PasidStore(new IoasidAllocator()), Live), PairFigures.Live(Live));
        _sortedSet = PairFigures.Pairs(PairFigures.Filled(new SortedSetStore(), Live), PairFigures.Live(Live));
        _priorityQueue = PairFigures.Pairs(PairFigures.Filled(new PriorityQueueStore(), Live), PairFigures.Live(Live));
        _queue = PairFigures.Pairs(PairFigures.Filled(new QueueStore(), Live), PairFigures.Live(Live));
        _wordScan = PairFigures.Pairs(PairFigures.Filled(new WordScanStore(), Live), PairFigures.Live(Live));
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Pairs)]
    public void SortedSetAndDictionary() => _sortedSet(Pairs);

    [Benchmark(OperationsPerInvoke = Pairs)]
    public void PriorityQueueAndDictionary() => _priorityQueue(Pairs);

    [Benchmark(OperationsPerInvoke = Pairs)]
    public void ConcurrentQueueAndDictionary() => _queue(Pairs);

    [Benchmark(OperationsPerInvoke = Pairs)]
    public void WordScan() => _wordScan(Pairs);

    [Benchmark(OperationsPerInvoke = Pairs)]
    public void Allocator() => _pasid(Pairs);
}

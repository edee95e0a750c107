using System.Collections.Concurrent;
using BenchmarkDotNet.Attributes;
using Pasid.Benchmarks.Alternatives;
using Pasid.Benchmarks.Ratios;

namespace Pasid.Benchmarks.Questions;

/// <summary>What does it cost to look an id up that must have a certain owner?</summary>
[MemoryDiagnoser]
public class LookupBenchmarks
{
    private const int Lookups = 1_024;
    private readonly IoasidSet _owner = new("owner");
    private readonly object _data = new();
    private readonly ConcurrentDictionary<uint, Entry> _dictionary = new();
    private readonly IoasidAllocator _allocator = new();
    private uint[] _ids = [];

    /// <summary>Gets or sets how many ids are live.</summary>
    [Params(1_000, 100_000, PairFigures.Full)]
    public int Live { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _ids = PairFigures.Live(Live)[..Math.Min(Lookups, Live)];
        for (uint id = 1; id <= Live; id++)
        {
            _allocator.TryAllocate(IoasidRange.Pasids, _owner, _data, out _);
            _dictionary[id] = new Entry(_data, _owner);
        }
    }

    [Benchmark(Baseline = true)]
    public int ConcurrentDictionary()
    {
        int found = 0;
        foreach (uint id in _ids)
        {
            found += _dictionary.TryGetValue(id, out Entry entry) && ReferenceEquals(entry.Owner, _owner) ? 1 : 0;
        }

        return found;
    }

    [Benchmark]
    public int Allocator()
    {
        int found = 0;
        foreach (uint id in _ids)
        {
            found += _allocator.Lookup(new Ioasid(id), _owner, null, out _) == PasidStatus.Success ? 1 : 0;
        }

        return found;
    }
}

using System.Diagnostics.CodeAnalysis;
using BenchmarkDotNet.Attributes;
using Pasid.Benchmarks.Alternatives;

namespace Pasid.Benchmarks.Questions;

/// <summary>What does it cost to bind and unbind an address space while others stay bound?</summary>
[MemoryDiagnoser]
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The benchmark's clean-up disposes it.")]
public class BindBenchmarks
{
    private readonly SvmDevice _device = new("device", new Iommu("iommu"));
    private SvmBinder _binder = null!;
    private readonly ListWalkBinder _listWalk = new(new IoasidAllocator());
    private readonly object _listWalkProcess = new();
    private AddressSpace _process = null!;

    /// <summary>Gets or sets how many other address spaces stay bound.</summary>
    [Params(1, 1_000, 10_000)]
    public int Others { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _binder = new SvmBinder();
        for (int i = 0; i < Others; i++)
        {
            _binder.BindMm(_device, _binder.CreateAddressSpace("other"), out _);
            _listWalk.Bind(_device, new object());
        }

        _process = _binder.CreateAddressSpace("process");
    }

    [GlobalCleanup]
    public void Cleanup() => _binder.Dispose();

    [Benchmark(Baseline = true)]
    public void ListWalk() => _listWalk.Unbind(_device, _listWalk.Bind(_device, _listWalkProcess));

    [Benchmark]
    public void Binder()
    {
        _binder.BindMm(_device, _process, out Ioasid pasid);
        _binder.UnbindMm(_device, pasid);
    }
}

using Pasid.Tests.Support;
using Call = Pasid.Tests.Support.ConcurrentCalls<Pasid.IIoasidAllocator>.Call;

namespace Pasid.Tests.Linearizability;

/// <summary>A race that is there is found; otherwise that none is found would mean nothing.</summary>
[Collection(nameof(AloneCollection))]
public sealed class PlantedRaceTests
{
    [Fact]
    public void A_free_that_takes_the_data_away_first_is_refuted()
    {
        using var run = new ConcurrentCalls<IIoasidAllocator>(2);
        var id = new Ioasid(1);
        Call[] frees = [new("free", a => $"{a.Free(id)}")];
        Call[] lookups = [.. Enumerable.Repeat(new Call("lookup", a => $"{a.Lookup(id, out object? data)} {data}"), 4)];
        using var allocator = new TwoStepAllocator();

        string? refuted = run.Refute(Prepare(allocator), () => Prepare(new NaiveIoasidAllocator()), [frees, lookups], a => $"{a.LiveCount}");

        refuted.Should().Contain("lookup -> Success ").And.Contain("No order of one thread explains");

        static IIoasidAllocator Prepare(IIoasidAllocator allocator)
        {
            allocator.Allocate(IoasidRange.Pasids, ioasidSet: null, "data");
            return allocator;
        }
    }

    /// <summary>A naive allocator whose free is two steps, with a lookup between them.</summary>
    private sealed class TwoStepAllocator : IIoasidAllocator, IDisposable
    {
        private readonly NaiveIoasidAllocator _inner = new();
        private readonly ManualResetEventSlim _isHalfFreed = new();
        private readonly ManualResetEventSlim _isLookedUp = new();

        public long LiveCount => _inner.LiveCount;

        public PasidStatus Free(Ioasid id)
        {
            _inner.SetData(id, data: null);
            _isHalfFreed.Set();
            _isLookedUp.Wait();
            return _inner.Free(id);
        }

        public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
        {
            _isHalfFreed.Wait();
            PasidStatus status = _inner.Lookup(id, ioasidSet, predicate, out data);
            _isLookedUp.Set();
            return status;
        }

        public void Dispose()
        {
            _isHalfFreed.Dispose();
            _isLookedUp.Dispose();
        }

        public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id) => _inner.TryAllocate(range, ioasidSet, data, out id);

        public PasidStatus AddReference(Ioasid id) => _inner.AddReference(id);

        public IoasidRelease DropReference(Ioasid id) => _inner.DropReference(id);

        public PasidStatus SetData(Ioasid id, object? data) => _inner.SetData(id, data);

        public bool TryFindLive(Ioasid from, out Ioasid id) => _inner.TryFindLive(from, out id);
    }
}

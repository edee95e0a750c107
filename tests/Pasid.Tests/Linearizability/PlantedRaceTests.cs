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
        string? refuted = null;
        for (int round = 0; round < 2_000 && refuted is null; round++)
        {
            refuted = run.Refute(Prepare(new TwoStepAllocator()), () => Prepare(new NaiveIoasidAllocator()), [frees, lookups], a => $"{a.LiveCount}");
        }

        refuted.Should().Contain("lookup -> Success ").And.Contain("No order of one thread explains");

        static IIoasidAllocator Prepare(IIoasidAllocator allocator)
        {
            allocator.Allocate(IoasidRange.Pasids, ioasidSet: null, "data");
            return allocator;
        }
    }

    /// <summary>A naive allocator whose free is not one step.</summary>
    private sealed class TwoStepAllocator : IIoasidAllocator
    {
        private readonly NaiveIoasidAllocator _inner = new();

        public long LiveCount => _inner.LiveCount;

        public PasidStatus Free(Ioasid id)
        {
            _inner.SetData(id, data: null);
            Thread.SpinWait(100);
            return _inner.Free(id);
        }

        public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id) => _inner.TryAllocate(range, ioasidSet, data, out id);

        public PasidStatus AddReference(Ioasid id) => _inner.AddReference(id);

        public IoasidRelease DropReference(Ioasid id) => _inner.DropReference(id);

        public PasidStatus SetData(Ioasid id, object? data) => _inner.SetData(id, data);

        public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data) => _inner.Lookup(id, ioasidSet, predicate, out data);

        public bool TryFindLive(Ioasid from, out Ioasid id) => _inner.TryFindLive(from, out id);
    }
}

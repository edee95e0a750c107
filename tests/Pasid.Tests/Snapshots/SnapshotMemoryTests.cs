using System.Globalization;
using System.Text.RegularExpressions;
using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Snapshots;

/// <summary>How much memory a snapshot may take is known before anything is made. It runs while no other test does, because all share one heap.</summary>
[Collection(nameof(AloneCollection))]
public sealed partial class SnapshotMemoryTests
{
    private static readonly SvmDevice s_device = new("device", new Iommu("iommu"));

    public static TheoryData<string, Func<PasidSnapshot>> Large() => new()
    {
        { "dense bound address spaces", () => Bound(200_000) },
        { "one id in 512", () => Ids(Sparse(512, 20_000)) },
        { "one id in 4096", () => Ids(Sparse(4_096, 20_000)) },
        { "one id in 2^18", () => Ids(Sparse(1 << 18, 4_000)) },
        { "both ends of each 2^18, in no order", () => Ids(Sparse(1 << 18, 4_000).SelectMany(id => new[] { id, id - (1 << 18) + 1 }).Reverse()) },
        { "owners", () => Owned(200_000) },
        { "owners just above a power of two", () => Owned((1 << 18) + 2) },
        { "threads", () => WithSpaces(new AddressSpaceEntry("process", 1, Threads: [.. Enumerable.Repeat(new ThreadEntry("thread"), 400_000)])) },
        { "threads of many processes", () => WithSpaces([.. Enumerable.Range(1, 100_000).Select(id => new AddressSpaceEntry("process", (uint)id, Threads: [new ThreadEntry("thread")]))]) },
        { "portals", () => WithSpaces([.. Enumerable.Range(1, 20_000).Select(id => new AddressSpaceEntry("process", (uint)id, Portals: [new PortalEntry(0, "portal")]))]) },
    };

    [Theory]
    [MemberData(nameof(Large))]
    public void The_estimate_is_what_restoring_takes_or_up_to_twice_as_much(string what, Func<PasidSnapshot> make)
    {
        PasidSnapshot snapshot = make();
        using var binder = new SvmBinder();
        long estimate = Estimate(binder, snapshot);
        long before = SettledMemory.Measure();

        IReadOnlyList<AddressSpace> restored = binder.Restore(snapshot, Map(limit: estimate));

        long taken = SettledMemory.Measure() - before;
        GC.KeepAlive(restored);
        GC.KeepAlive(snapshot);
        estimate.Should().BeGreaterThanOrEqualTo(taken, what).And.BeLessThanOrEqualTo(taken * 21 / 10, what);
        binder.CheckIntegrity().Should().BeEmpty(what);
    }

    [Fact]
    public void Restore_of_a_snapshot_above_the_limit_is_refused_before_anything_is_made_and_changes_nothing()
    {
        using var binder = new SvmBinder();
        Ioasid live = binder.Allocator.Allocate(IoasidRange.Pasids);
        PasidSnapshot snapshot = Ids(Sparse(512, 200_000));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Action act = () => binder.Restore(snapshot);

        // 1.7 GB; the limit by default is 1 GB.
        act.Should().Throw<FormatException>().WithMessage($"*up to 16???????? bytes*limit is {PasidSnapshot.DefaultMemoryLimit}*{nameof(PasidSnapshotMap.MemoryLimit)}*");
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(10_000_000);
        binder.Allocator.LiveIds().Should().Equal(live);
    }

    [Fact]
    public void Restore_goes_by_the_limit_to_the_byte()
    {
        using var binder = new SvmBinder();
        PasidSnapshot snapshot = Bound(100);
        long estimate = Estimate(binder, snapshot);

        binder.Invoking(b => b.Restore(snapshot, Map(estimate - 1))).Should().Throw<FormatException>();
        binder.Restore(snapshot, Map(estimate)).Should().HaveCount(100);
    }

    [Fact]
    public void A_limit_below_one_is_refused()
    {
        var map = new PasidSnapshotMap();

        map.MemoryLimit.Should().Be(PasidSnapshot.DefaultMemoryLimit);
        map.Invoking(m => m.MemoryLimit = 0).Should().Throw<ArgumentOutOfRangeException>();
        map.MemoryLimit.Should().Be(PasidSnapshot.DefaultMemoryLimit);
    }

    [Fact]
    public void What_is_missing_in_a_snapshot_is_refused_and_not_counted()
    {
        using var binder = new SvmBinder();
        PasidSnapshot snapshot = Bound(1).With(file => file with
        {
            Ids = [null!],
            AddressSpaces = [null!],
            Bindings = [null!, new BindingEntry(1, null, SvmBindFlags.None, "device", [null!])],
            Queues = [null!, new QueueEntry(null!)],
        });

        binder.Invoking(b => b.Restore(snapshot, Map(long.MaxValue))).Should().Throw<FormatException>().WithMessage("*an id is null*");
    }

    private static long Estimate(SvmBinder binder, PasidSnapshot snapshot)
    {
        string message = binder.Invoking(b => b.Restore(snapshot, Map(limit: 1))).Should().Throw<FormatException>().Which.Message;
        return long.Parse(EstimateInMessage().Match(message).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
    }

    private static PasidSnapshotMap Map(long limit)
    {
        var portal = new Portal();
        return new PasidSnapshotMap { MemoryLimit = limit, FindDevice = _ => s_device, FindPortal = _ => portal };
    }

    private static PasidSnapshot Ids(IEnumerable<uint> ids)
    {
        IdEntry[] live = [.. ids.Select(id => new IdEntry(id, 1))];
        return new PasidSnapshot(SnapshotEdit.Empty with { LiveCount = live.Length, Ids = live });
    }

    private static PasidSnapshot Owned(int count) => Ids([]).With(file => file with
    {
        LiveCount = count,
        Owners = [.. Enumerable.Repeat("owner", count)],
        Ids = [.. Enumerable.Range(0, count).Select(i => new IdEntry((uint)i + 1, 1, i))],
    });

    private static PasidSnapshot WithSpaces(params AddressSpaceEntry[] addressSpaces) =>
        Ids(addressSpaces.Select(addressSpace => addressSpace.Pasid!.Value)).With(file => file with { AddressSpaces = addressSpaces });

    private static PasidSnapshot Bound(int count) => WithSpaces([.. Enumerable.Range(1, count).Select(id => new AddressSpaceEntry("process", (uint)id))]).With(file => file with
    {
        Ids = [.. Enumerable.Range(1, count).Select(id => new IdEntry((uint)id, 1, Binding: id - 1))],
        BindingCount = count,
        Bindings = [.. Enumerable.Range(1, count).Select(id => new BindingEntry((uint)id, id - 1, SvmBindFlags.None, "device", [new DeviceEntry("device", 1)]))],
    });

    private static IEnumerable<uint> Sparse(uint step, int count) => Enumerable.Range(1, count).Select(i => (uint)((i * (long)step) - 1));

    [GeneratedRegex("up to ([0-9]+) bytes")]
    private static partial Regex EstimateInMessage();

    private sealed class Portal : IEnqcmdPortal
    {
        public string Name => "portal";

        public bool Submit(in EnqcmdCommand command) => true;
    }
}

using Pasid.SystematicTests.Support;
using static Pasid.SystematicTests.Support.Allocators;

namespace Pasid.SystematicTests;

/// <summary>Every schedule of a few calls on an allocator is explained by some order of them.</summary>
public sealed class AllocatorScheduleTests
{
    private static readonly IoasidSet s_red = new("red");
    private static readonly IoasidSet s_blue = new("blue");

    /// <summary>Where the structure changes: the first ids, the end of the root word, the split of the first page, the further ids.</summary>
    public static TheoryData<uint> Places() => [1, 63, 511, 2_047, (1 << 18) - 1];

    [Theory]
    [MemberData(nameof(Places))]
    public void Allocate_free_and_lookup(uint place) =>
        Schedules.Refute(
            () => Made(place),
            State,
            [a => Allocate(a, place, 2, s_red, "a"), a => $"{a.Free(new Ioasid(place))}"],
            [a => Lookup(a, place, s_red), a => Lookup(a, place + 1, s_red)])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Places))]
    public void Two_allocations_and_a_free(uint place) =>
        Schedules.Refute(
            () => Made(place),
            State,
            [a => Allocate(a, place, 3, s_red, "a"), a => Lookup(a, place, s_red)],
            [a => Allocate(a, place, 3, s_blue, "b"), a => $"{a.Free(new Ioasid(place))}"])
            .Should().BeNull();

    /// <summary>The last free of these two leaves more than an empty table may keep, so that it begins anew.</summary>
    [Theory]
    [InlineData((1 << 18) - 1)]
    [InlineData(5)]
    [InlineData(uint.MaxValue - 1)]
    public void Frees_after_which_the_table_begins_anew_beside_lookups(uint next) =>
        Schedules.Refute(
            () =>
            {
                IoasidAllocator allocator = Made((1 << 18) - 1);
                Allocate(allocator, (1 << 21) - 1, 1, s_blue, "b");
                return allocator;
            },
            State,
            [a => $"{a.Free(new Ioasid((1 << 18) - 1))}", a => $"{a.Free(new Ioasid((1 << 21) - 1))}", a => Allocate(a, next, 1, s_blue, "c")],
            [a => Lookup(a, (1 << 21) - 1, s_blue), a => Lookup(a, next, s_blue)],
            [a => Lookup(a, (1 << 18) - 1, s_red)])
            .Should().BeNull();

    [Fact]
    public void A_free_and_the_next_life_beside_lookups_of_both_owners() =>
        Schedules.Refute(
            () => Made(1),
            State,
            [a => $"{a.Free(new Ioasid(1))}", a => Allocate(a, 1, 1, s_blue, "b")],
            [a => Lookup(a, 1, s_red), a => Lookup(a, 1, s_blue)])
            .Should().BeNull();

    /// <summary>A lookup by any but the allocator's first owner goes another way.</summary>
    [Fact]
    public void A_free_and_the_next_life_beside_lookups_of_a_later_owner() =>
        Schedules.Refute(
            () =>
            {
                IoasidAllocator allocator = Made(1);
                Allocate(allocator, 2, 1, s_blue, "b");
                return allocator;
            },
            State,
            [a => $"{a.Free(new Ioasid(2))}", a => Allocate(a, 2, 1, s_blue, "next")],
            [a => Lookup(a, 2, s_blue), a => Lookup(a, 2, s_red)],
            [a => Lookup(a, 2, null)])
            .Should().BeNull();

    [Fact]
    public void References_and_data() =>
        Schedules.Refute(
            () => Made(1),
            State,
            [a => $"{a.AddReference(new Ioasid(1))}", a => $"{a.DropReference(new Ioasid(1))}"],
            [a => $"{a.DropReference(new Ioasid(1))}", a => $"{a.SetData(new Ioasid(1), "c")}"],
            [a => Lookup(a, 1, null)])
            .Should().BeNull();

    [Fact]
    public void Register_and_unregister_beside_allocations() =>
        RefuteWithCustom(
            [s => $"{s.Allocator.Register(s.Custom)}", s => $"{s.Allocator.Unregister(s.Custom)}"],
            [s => Allocate(s.Allocator, 1, 9, null, "a"), s => $"{s.Allocator.Free(new Ioasid(1))}"])
            .Should().BeNull();

    [Fact]
    public void Two_that_register_and_unregister() =>
        RefuteWithCustom(
            [s => $"{s.Allocator.Register(s.Custom)}", s => $"{s.Allocator.Unregister(s.Custom)}"],
            [s => $"{s.Allocator.Register(s.Custom)}", s => Allocate(s.Allocator, 1, 9, null, "a")])
            .Should().BeNull();

    [Fact]
    public void Statistics_beside_allocations() =>
        Schedules.Refute(
            () => Made(1),
            State,
            [a => Allocate(a, 2, 2, null, "a"), a => $"{a.Free(new Ioasid(1))}", a => $"{a.Free(new Ioasid(2))}"],
            [a => $"{a.LiveCount}", Counts])
            .Should().BeNull();

    [Fact]
    public void Statistics_beside_an_allocator_that_comes_and_goes() =>
        RefuteWithCustom(
            [s => $"{s.Allocator.Register(s.Custom)}", s => Allocate(s.Allocator, 1, 9, null, "a"), s => $"{s.Allocator.Unregister(s.Custom)}"],
            [s => Counts(s.Allocator), s => Counts(s.Allocator)])
            .Should().BeNull();

    /// <summary>The same table is active at both ends of the count, and another was in between.</summary>
    [Fact]
    public void Statistics_beside_an_allocator_that_came_and_went() =>
        RefuteWithCustom(
            [
                s => $"{s.Allocator.Register(s.Custom)}",
                s => Allocate(s.Allocator, 1, 9, null, "a"),
                s => $"{s.Allocator.Unregister(s.Custom)}",
                s => Allocate(s.Allocator, 1, 9, null, "b"),
                s => Allocate(s.Allocator, 1, 9, null, "c"),
            ],
            [s => Counts(s.Allocator)])
            .Should().BeNull();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frees_and_allocations_under_a_quarantine(bool releases) =>
        Schedules.Refute(
            () => Made(1, IoasidReusePolicy.Quarantine(1, releases ? QuarantineExhaustion.ReleaseOldest : QuarantineExhaustion.Fail)),
            State,
            [a => $"{a.Free(new Ioasid(1))}", a => Allocate(a, 1, 2, null, "a")],
            [a => Allocate(a, 1, 2, null, "b"), a => $"{a.Free(new Ioasid(2))}"])
            .Should().BeNull();

    private static string? RefuteWithCustom(params Func<(IoasidAllocator Allocator, CustomIoasidAllocator Custom), string>[][] threads) =>
        Schedules.Refute(() => (Allocator: new IoasidAllocator(), Custom: new CustomIoasidAllocator("custom", new Chooser(9))), s => State(s.Allocator), threads);

    private static IoasidAllocator Made(uint place, IoasidReusePolicy? policy = null)
    {
        var allocator = new IoasidAllocator(policy ?? IoasidReusePolicy.LowestFirst);
        allocator.TryAllocate(new IoasidRange(place, place), s_red, "first", out _);
        return allocator;
    }
}

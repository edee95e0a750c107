using Pasid.Tests.Support;

namespace Pasid.Tests.Allocators;

/// <summary>What every allocator must do. Run against the library's and against the naive one, so that neither is alone in its answers.</summary>
public abstract class IoasidAllocatorContract
{
    private static readonly IoasidRange s_few = new(5, 7);
    private readonly IoasidSet _red = new("red");
    private readonly IoasidSet _blue = new("blue");

    protected abstract IIoasidAllocator Create();

    [Fact]
    public void TryAllocate_from_an_empty_allocator_answers_the_minimum()
    {
        Create().TryAllocate(s_few, null, null, out Ioasid id).Should().BeTrue();

        id.Should().Be(new Ioasid(5));
    }

    [Fact]
    public void TryAllocate_answers_both_ends_of_the_range_and_then_fails()
    {
        IIoasidAllocator allocator = Create();

        Allocate(allocator, s_few, 4).Should().Equal(5u, 6u, 7u, uint.MaxValue);
    }

    [Fact]
    public void TryAllocate_answers_id_zero_like_any_other()
    {
        Create().TryAllocate(new IoasidRange(0, 3), null, null, out Ioasid id).Should().BeTrue();

        id.Should().Be(new Ioasid(0));
    }

    [Fact]
    public void TryAllocate_prefers_the_lowest_hole_and_keeps_no_hint()
    {
        IIoasidAllocator allocator = Create();
        Allocate(allocator, new IoasidRange(1, 100), 100);
        allocator.Free(new Ioasid(60));
        allocator.Free(new Ioasid(3));

        Allocate(allocator, new IoasidRange(1, 100), 3).Should().Equal(3u, 60u, uint.MaxValue);
    }

    [Fact]
    public void TryAllocate_from_a_reversed_range_fails()
    {
        IIoasidAllocator allocator = Create();

        allocator.TryAllocate(new IoasidRange(7, 5), null, null, out Ioasid id).Should().BeFalse();

        id.Should().Be(Ioasid.Invalid);
        allocator.LiveCount.Should().Be(0);
    }

    [Fact]
    public void TryAllocate_never_hands_out_the_invalid_number()
    {
        IIoasidAllocator allocator = Create();
        var top = new IoasidRange(uint.MaxValue - 1, uint.MaxValue);

        Allocate(allocator, top, 3).Should().Equal(uint.MaxValue - 1, uint.MaxValue, uint.MaxValue);
        allocator.TryAllocate(new IoasidRange(uint.MaxValue, uint.MaxValue), null, null, out _).Should().BeFalse();
        allocator.LiveIds().Should().Equal(Ioasid.MaxValue);
        allocator.Lookup(Ioasid.Invalid, out _).Should().Be(PasidStatus.NotFound);
    }

    [Fact]
    public void TryAllocate_of_a_number_that_had_references_before_begins_with_one()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few);
        allocator.AddReference(id);
        allocator.DropReference(id);
        allocator.DropReference(id);

        allocator.Allocate(s_few).Should().Be(id);

        allocator.DropReference(id).Should().Be(IoasidRelease.Freed);
    }

    [Fact]
    public void Free_makes_the_id_and_its_data_unknown()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few, _red, "data");

        allocator.Free(id).Should().Be(PasidStatus.Success);

        allocator.Lookup(id, out object? data).Should().Be(PasidStatus.NotFound);
        data.Should().BeNull();
        allocator.LiveCount.Should().Be(0);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(6u)]
    [InlineData(70_000u)]
    [InlineData(uint.MaxValue - 1)]
    [InlineData(uint.MaxValue)]
    public void Operations_on_an_unknown_id_answer_so_and_change_nothing(uint value)
    {
        IIoasidAllocator allocator = Create();
        Ioasid live = allocator.Allocate(s_few, _red, "data");
        var unknown = new Ioasid(value);

        allocator.Free(unknown).Should().Be(PasidStatus.NotFound);
        allocator.AddReference(unknown).Should().Be(PasidStatus.NotFound);
        allocator.DropReference(unknown).Should().Be(IoasidRelease.Unknown);
        allocator.SetData(unknown, "other").Should().Be(PasidStatus.NotFound);
        allocator.Lookup(unknown, _blue, _ => false, out _).Should().Be(PasidStatus.NotFound);

        allocator.LiveIds().Should().Equal(live);
        allocator.Lookup(live, _red, out object? data).Should().Be(PasidStatus.Success);
        data.Should().Be("data");
    }

    [Fact]
    public void Free_twice_answers_not_found_the_second_time()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few);
        allocator.Free(id);

        allocator.Free(id).Should().Be(PasidStatus.NotFound);
    }

    [Fact]
    public void Free_of_an_id_with_added_references_answers_busy_and_changes_nothing()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few, _red, "data");
        allocator.AddReference(id);

        allocator.Free(id).Should().Be(PasidStatus.Busy);

        allocator.Lookup(id, _red, out object? data).Should().Be(PasidStatus.Success);
        data.Should().Be("data");
        allocator.DropReference(id).Should().Be(IoasidRelease.StillReferenced);
        allocator.Free(id).Should().Be(PasidStatus.Success);
    }

    [Fact]
    public void DropReference_frees_with_the_last_one_only()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few);
        allocator.AddReference(id);
        allocator.AddReference(id);

        allocator.DropReference(id).Should().Be(IoasidRelease.StillReferenced);
        allocator.DropReference(id).Should().Be(IoasidRelease.StillReferenced);
        allocator.DropReference(id).Should().Be(IoasidRelease.Freed);
        allocator.DropReference(id).Should().Be(IoasidRelease.Unknown);
    }

    [Fact]
    public void References_beyond_what_a_slot_holds_are_counted_exactly()
    {
        const int Many = 10_000;
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few);
        for (int i = 0; i < Many; i++)
        {
            allocator.AddReference(id);
        }

        for (int i = 0; i < Many; i++)
        {
            allocator.DropReference(id).Should().Be(IoasidRelease.StillReferenced);
        }

        allocator.DropReference(id).Should().Be(IoasidRelease.Freed);
        allocator.Allocate(s_few).Should().Be(id);
        allocator.DropReference(id).Should().Be(IoasidRelease.Freed);
    }

    [Fact]
    public void SetData_replaces_silently_and_takes_null()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few, null, "first");

        allocator.SetData(id, "second").Should().Be(PasidStatus.Success);
        allocator.Lookup(id, out object? data);
        data.Should().Be("second");

        allocator.SetData(id, null).Should().Be(PasidStatus.Success);
        allocator.Lookup(id, out data).Should().Be(PasidStatus.Success);
        data.Should().BeNull();
    }

    [Fact]
    public void Lookup_checks_the_id_before_the_owner_and_the_owner_before_the_predicate()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few, _red, "data");
        int asked = 0;
        bool Refuse(object? data)
        {
            asked++;
            return false;
        }

        allocator.Lookup(new Ioasid(6), _blue, Refuse, out _).Should().Be(PasidStatus.NotFound);
        allocator.Lookup(id, _blue, Refuse, out _).Should().Be(PasidStatus.AccessDenied);
        asked.Should().Be(0);

        allocator.Lookup(id, _red, Refuse, out object? data).Should().Be(PasidStatus.Success);
        asked.Should().Be(1);
        data.Should().BeNull("a refusing predicate hides the data but is no failure");
    }

    [Fact]
    public void Lookup_of_an_id_without_owner_denies_every_named_owner_and_accepts_none()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few, null, "data");

        allocator.Lookup(id, _red, out object? denied).Should().Be(PasidStatus.AccessDenied);
        denied.Should().BeNull();
        allocator.Lookup(id, null, out object? data).Should().Be(PasidStatus.Success);
        data.Should().Be("data");
    }

    [Fact]
    public void Lookup_without_an_asked_owner_accepts_any()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few, _red, "data");

        allocator.Lookup(id, null, out object? data).Should().Be(PasidStatus.Success);

        data.Should().Be("data");
    }

    [Fact]
    public void Lookup_asks_the_predicate_about_null_data_too()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few);
        List<object?> asked = [];

        allocator.Lookup(id, null, data => { asked.Add(data); return true; }, out _).Should().Be(PasidStatus.Success);

        asked.Should().Equal([null]);
    }

    [Fact]
    public void Lookup_passes_on_what_the_predicate_throws_and_the_predicate_may_change_the_allocator()
    {
        IIoasidAllocator allocator = Create();
        Ioasid id = allocator.Allocate(s_few, null, "data");

        Action act = () => allocator.Lookup(id, null, _ => throw new TimeoutException(), out _);
        act.Should().Throw<TimeoutException>();

        allocator.Lookup(id, null, _ => allocator.Free(id) == PasidStatus.Success, out object? data).Should().Be(PasidStatus.Success);
        data.Should().Be("data");
        allocator.LiveCount.Should().Be(0);
    }

    [Fact]
    public void An_owner_is_told_from_others_after_its_ids_came_and_went()
    {
        IIoasidAllocator allocator = Create();
        for (int round = 0; round < 3; round++)
        {
            Ioasid red = allocator.Allocate(s_few, _red);
            Ioasid blue = allocator.Allocate(s_few, _blue);
            allocator.Lookup(red, _red, out _).Should().Be(PasidStatus.Success);
            allocator.Lookup(red, _blue, out _).Should().Be(PasidStatus.AccessDenied);
            allocator.Lookup(blue, _blue, out _).Should().Be(PasidStatus.Success);
            allocator.Lookup(blue, _red, out _).Should().Be(PasidStatus.AccessDenied);
            allocator.Free(round == 1 ? blue : red);
            allocator.Free(round == 1 ? red : blue);
        }
    }

    [Fact]
    public void LiveIds_enumerates_ascending_wherever_the_ids_lie()
    {
        IIoasidAllocator allocator = Create();
        uint[] ids = [uint.MaxValue - 1, 0, 63, 64, 4_095, 4_096, 262_143, 262_144, 1 << 20, 2_097_151, 2_097_152, 1u << 31, 3_000_000_000];
        foreach (uint id in ids)
        {
            allocator.TryAllocate(new IoasidRange(id, id), _red, id, out _).Should().BeTrue();
        }

        allocator.LiveIds().Select(id => id.Value).Should().Equal(ids.Order());
        allocator.LiveCount.Should().Be(ids.Length);
        foreach (uint id in ids)
        {
            allocator.Lookup(new Ioasid(id), _red, out object? data).Should().Be(PasidStatus.Success);
            data.Should().Be(id);
        }
    }

    [Fact]
    public void LiveIds_of_an_empty_allocator_is_empty()
    {
        Create().LiveIds().Should().BeEmpty();
        default(LiveIoasids).Should().BeEmpty();
    }

    [Fact]
    public void LiveIds_tolerates_changes_between_its_steps()
    {
        IIoasidAllocator allocator = Create();
        Allocate(allocator, new IoasidRange(1, 6), 6);
        List<uint> seen = [];

        foreach (Ioasid id in allocator.LiveIds())
        {
            seen.Add(id.Value);
            allocator.Free(new Ioasid(id.Value + 1));
        }

        seen.Should().Equal(1u, 3u, 5u);
    }

    [Fact]
    public void Allocate_throws_with_the_status_when_the_range_is_exhausted()
    {
        IIoasidAllocator allocator = Create();
        Allocate(allocator, s_few, 3);

        Action act = () => allocator.Allocate(s_few);

        act.Should().Throw<PasidException>().WithMessage("No id of 5..7 is free (3 ids are live)*")
            .Which.Status.Should().Be(PasidStatus.NoSpace);
    }

    [Fact]
    public void Allocate_throws_for_a_range_without_ids()
    {
        IIoasidAllocator allocator = Create();

        Action reversed = () => allocator.Allocate(new IoasidRange(7, 5));
        Action invalid = () => allocator.Allocate(new IoasidRange(uint.MaxValue, uint.MaxValue));

        reversed.Should().Throw<ArgumentException>().WithMessage("The range 7..5 holds no id*").WithParameterName("range");
        invalid.Should().Throw<ArgumentException>();
    }

    private static uint[] Allocate(IIoasidAllocator allocator, IoasidRange range, int count)
    {
        uint[] ids = new uint[count];
        for (int i = 0; i < count; i++)
        {
            allocator.TryAllocate(range, null, null, out Ioasid id);
            ids[i] = id.Value;
        }

        return ids;
    }
}

public sealed class IoasidAllocatorContractTests : IoasidAllocatorContract
{
    protected override IIoasidAllocator Create() => new IoasidAllocator();
}

public sealed class NaiveIoasidAllocatorContractTests : IoasidAllocatorContract
{
    protected override IIoasidAllocator Create() => new NaiveIoasidAllocator();
}

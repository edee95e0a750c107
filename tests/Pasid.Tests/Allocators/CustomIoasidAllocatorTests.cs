using Pasid.Tests.Support;

namespace Pasid.Tests.Allocators;

public sealed class CustomIoasidAllocatorTests
{
    private static readonly IoasidRange s_range = new(1, 10);
    private readonly IoasidAllocator _allocator = new();
    private readonly SpyFunctions _functions = SpyFunctions.Downwards();
    private readonly SpyFunctions _otherFunctions = SpyFunctions.Downwards();
    private readonly CustomIoasidAllocator _founder;
    private readonly CustomIoasidAllocator _joiner;
    private readonly CustomIoasidAllocator _other;

    public CustomIoasidAllocatorTests()
    {
        _founder = new CustomIoasidAllocator("founder", _functions, "F");
        _joiner = new CustomIoasidAllocator("joiner", _functions, "J");
        _other = new CustomIoasidAllocator("other", _otherFunctions, "O");
    }

    [Fact]
    public void Register_while_the_default_allocator_has_live_ids_answers_try_again()
    {
        Ioasid id = _allocator.Allocate(s_range);

        _allocator.Register(_founder).Should().Be(PasidStatus.TryAgain);

        _allocator.Allocate(s_range).Should().Be(new Ioasid(2));
        _allocator.Free(id);
        _functions.Calls.Should().BeEmpty();
    }

    [Fact]
    public void Register_of_the_first_one_makes_it_active()
    {
        _allocator.Register(_founder).Should().Be(PasidStatus.Success);

        _allocator.Allocate(s_range).Should().Be(new Ioasid(10));
        _functions.Calls.Should().Equal("allocate 1..10 F -> 10");
    }

    [Fact]
    public void Register_with_the_same_functions_shares_ids_and_the_founders_private_data()
    {
        _allocator.Register(_founder);
        Ioasid id = _allocator.Allocate(s_range);

        _allocator.Register(_joiner).Should().Be(PasidStatus.Success);

        _allocator.LiveIds().Should().Equal(id);
        _allocator.Free(id);
        _functions.Calls.Should().Equal("allocate 1..10 F -> 10", "free 10 F");
    }

    [Fact]
    public void Register_with_other_functions_waits_until_those_before_it_are_gone()
    {
        _allocator.Register(_founder);
        _allocator.Register(_other).Should().Be(PasidStatus.Success);
        _allocator.Allocate(s_range);
        _otherFunctions.Calls.Should().BeEmpty();

        _allocator.Unregister(_founder).Should().Be(PasidStatus.Success);

        _allocator.LiveIds().Should().BeEmpty("the ids of a group that is gone are orphans");
        _allocator.Allocate(s_range).Should().Be(new Ioasid(10));
        _otherFunctions.Calls.Should().Equal("allocate 1..10 O -> 10");
    }

    [Fact]
    public void Register_with_live_custom_ids_is_no_reason_to_try_again()
    {
        _allocator.Register(_founder);
        _allocator.Allocate(s_range);

        _allocator.Register(_other).Should().Be(PasidStatus.Success);
    }

    [Fact]
    public void Register_of_a_founder_answers_already_exists_and_changes_nothing()
    {
        _allocator.Register(_founder);
        _allocator.Register(_joiner);

        _allocator.Register(_founder).Should().Be(PasidStatus.AlreadyExists);

        // The kernel would now have the founder on the list twice and use freed memory at the second unregister.
        _allocator.Unregister(_founder).Should().Be(PasidStatus.Success);
        _allocator.Unregister(_joiner).Should().Be(PasidStatus.Success);
        _allocator.Unregister(_joiner).Should().Be(PasidStatus.NotFound);
    }

    [Fact]
    public void Register_of_a_joiner_again_answers_already_exists_where_the_kernel_makes_its_list_loop()
    {
        _allocator.Register(_founder);
        _allocator.Register(_joiner);

        _allocator.Register(_joiner).Should().Be(PasidStatus.AlreadyExists);

        _allocator.Unregister(_joiner).Should().Be(PasidStatus.Success);
        _allocator.Allocate(s_range);
        _allocator.Unregister(_founder).Should().Be(PasidStatus.Success);
        _allocator.LiveCount.Should().Be(0);
    }

    [Fact]
    public void Register_of_a_founder_that_left_answers_already_exists_while_its_group_lives()
    {
        _allocator.Register(_founder);
        _allocator.Register(_joiner);
        _allocator.Unregister(_founder);

        _allocator.Register(_founder).Should().Be(PasidStatus.AlreadyExists);

        _allocator.Allocate(s_range);
        _functions.Calls.Should().Equal("allocate 1..10 F -> 10");
        _allocator.Unregister(_joiner);
        _allocator.Register(_founder).Should().Be(PasidStatus.Success);
    }

    [Fact]
    public void Register_of_a_founder_that_was_refused_while_alone_does_not_join_it_to_later_company()
    {
        _allocator.Register(_founder);
        _allocator.Register(_founder).Should().Be(PasidStatus.AlreadyExists);
        _allocator.Register(_joiner);

        _allocator.Unregister(_founder).Should().Be(PasidStatus.Success);
        _allocator.Allocate(s_range).IsValid.Should().BeTrue("the joiner is still a member");
        _allocator.Unregister(_joiner).Should().Be(PasidStatus.Success);
        _allocator.Unregister(_joiner).Should().Be(PasidStatus.NotFound);
    }

    [Fact]
    public void Unregister_without_any_registered_answers_not_found()
    {
        _allocator.Unregister(_founder).Should().Be(PasidStatus.NotFound);

        _allocator.Allocate(s_range).Should().Be(new Ioasid(1));
    }

    [Fact]
    public void Unregister_of_one_of_several_members_keeps_the_ids()
    {
        _allocator.Register(_founder);
        _allocator.Register(_joiner);
        Ioasid id = _allocator.Allocate(s_range);

        _allocator.Unregister(_joiner);

        _allocator.LiveIds().Should().Equal(id);
    }

    [Fact]
    public void Unregister_by_a_stranger_with_the_same_functions_takes_a_group_of_one_away()
    {
        _allocator.Register(_founder);
        _allocator.Allocate(s_range);

        _allocator.Unregister(_joiner).Should().Be(PasidStatus.Success);

        _allocator.LiveIds().Should().BeEmpty();
        _allocator.Allocate(s_range).Should().Be(new Ioasid(1), "the default allocator is active again");
    }

    [Fact]
    public void Unregister_by_a_stranger_leaves_a_group_of_several_alone()
    {
        _allocator.Register(_founder);
        _allocator.Register(_joiner);
        var stranger = new CustomIoasidAllocator("stranger", _functions);

        _allocator.Unregister(stranger).Should().Be(PasidStatus.NotFound);

        _allocator.Unregister(_joiner).Should().Be(PasidStatus.Success);
    }

    [Fact]
    public void Unregister_of_a_waiting_group_does_not_touch_the_active_one()
    {
        _allocator.Register(_founder);
        _allocator.Register(_other);
        Ioasid id = _allocator.Allocate(s_range);

        _allocator.Unregister(_other).Should().Be(PasidStatus.Success);

        _allocator.LiveIds().Should().Equal(id);
    }

    [Fact]
    public void Orphans_stay_with_their_functions_and_are_unknown_to_the_allocator()
    {
        _allocator.Register(_founder);
        Ioasid orphan = _allocator.Allocate(s_range, null, "data");
        _allocator.Unregister(_founder);
        _allocator.Register(_founder);

        _allocator.Lookup(orphan, out _).Should().Be(PasidStatus.NotFound);
        _allocator.Free(orphan).Should().Be(PasidStatus.NotFound);
        _functions.Calls.Should().Equal("allocate 1..10 F -> 10");
    }

    [Fact]
    public void TryAllocate_hands_a_live_choice_back_and_fails()
    {
        var stubborn = new SpyFunctions(range => range.Minimum);
        _allocator.Register(new CustomIoasidAllocator("stubborn", stubborn));
        Ioasid id = _allocator.Allocate(s_range, null, "data");

        _allocator.TryAllocate(s_range, null, "other", out Ioasid second).Should().BeFalse();

        second.Should().Be(Ioasid.Invalid);
        stubborn.Calls.Should().Equal("allocate 1..10  -> 1", "allocate 1..10  -> 1", "free 1 ");
        _allocator.Lookup(id, out object? data);
        data.Should().Be("data");
        _allocator.GetReferenceCount(id).Should().Be(1);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(11u)]
    [InlineData(uint.MaxValue - 1)]
    public void TryAllocate_hands_a_choice_outside_the_range_back_and_fails(uint choice)
    {
        var wild = new SpyFunctions(_ => choice);
        _allocator.Register(new CustomIoasidAllocator("wild", wild));

        _allocator.TryAllocate(s_range, null, null, out _).Should().BeFalse();

        _allocator.LiveCount.Should().Be(0);
        wild.Calls.Should().HaveCount(2).And.HaveElementAt(1, $"free {choice} ");
    }

    [Fact]
    public void TryAllocate_fails_when_the_functions_answer_invalid_and_does_not_hand_that_back()
    {
        var failing = new SpyFunctions(_ => uint.MaxValue);
        _allocator.Register(new CustomIoasidAllocator("failing", failing));

        _allocator.TryAllocate(s_range, null, null, out _).Should().BeFalse();

        failing.Calls.Should().ContainSingle();
    }

    [Fact]
    public void Only_the_last_reference_reaches_the_functions()
    {
        _allocator.Register(_founder);
        Ioasid id = _allocator.Allocate(s_range);
        _allocator.AddReference(id);

        _allocator.DropReference(id).Should().Be(IoasidRelease.StillReferenced);
        _functions.Calls.Should().ContainSingle();
        _allocator.DropReference(id).Should().Be(IoasidRelease.Freed);

        _functions.Calls.Should().HaveElementAt(1, "free 10 F");
    }

    [Fact]
    public void What_the_functions_throw_is_passed_on_and_nothing_has_changed()
    {
        _allocator.Register(_founder);
        Ioasid id = _allocator.Allocate(s_range, null, "data");
        _functions.InsideAllocate = () => throw new TimeoutException();
        _functions.InsideFree = () => throw new TimeoutException();

        Action allocate = () => _allocator.Allocate(s_range);
        Action free = () => _allocator.Free(id);
        Action drop = () => _allocator.DropReference(id);

        allocate.Should().Throw<TimeoutException>();
        free.Should().Throw<TimeoutException>();
        drop.Should().Throw<TimeoutException>();
        _allocator.LiveIds().Should().Equal(id);
        _allocator.GetReferenceCount(id).Should().Be(1);
        _allocator.Lookup(id, out object? data);
        data.Should().Be("data");
    }

    [Fact]
    public void A_change_from_inside_a_function_throws_and_a_lookup_does_not()
    {
        _allocator.Register(_founder);
        Ioasid live = _allocator.Allocate(s_range, null, "data");
        List<Exception> thrown = [];
        PasidStatus lookup = PasidStatus.NotFound;
        _functions.InsideAllocate = () =>
        {
            thrown.Add(Record.Exception(() => _allocator.TryAllocate(s_range, null, null, out _)));
            thrown.Add(Record.Exception(() => _allocator.Free(live)));
            thrown.Add(Record.Exception(() => _allocator.AddReference(live)));
            thrown.Add(Record.Exception(() => _allocator.DropReference(live)));
            thrown.Add(Record.Exception(() => _allocator.SetData(live, null)));
            thrown.Add(Record.Exception(() => _allocator.Register(_other)));
            thrown.Add(Record.Exception(() => _allocator.Unregister(_founder)));
            lookup = _allocator.Lookup(live, out _);
        };

        _allocator.Allocate(s_range).Should().Be(new Ioasid(9));

        thrown.Should().HaveCount(7).And.AllBeOfType<InvalidOperationException>();
        lookup.Should().Be(PasidStatus.Success);
        _allocator.LiveIds().Select(id => id.Value).Should().Equal(9u, 10u);
    }

    [Fact]
    public void Register_and_unregister_refuse_null()
    {
        Action register = () => _allocator.Register(null!);
        Action unregister = () => _allocator.Unregister(null!);

        register.Should().Throw<ArgumentNullException>().WithParameterName("customAllocator");
        unregister.Should().Throw<ArgumentNullException>().WithParameterName("customAllocator");
    }

    [Fact]
    public void A_custom_allocator_needs_a_name_and_functions()
    {
        Action name = () => _ = new CustomIoasidAllocator(null!, _functions);
        Action functions = () => _ = new CustomIoasidAllocator("name", null!);

        name.Should().Throw<ArgumentNullException>().WithParameterName("name");
        functions.Should().Throw<ArgumentNullException>().WithParameterName("functions");
    }
}

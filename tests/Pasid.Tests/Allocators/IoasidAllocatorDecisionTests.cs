using Pasid.Tests.Support;

namespace Pasid.Tests.Allocators;

/// <summary>The decisions about the allocator, by their numbers.</summary>
public sealed class IoasidAllocatorDecisionTests
{
    [Fact]
    public void D39_one_number_is_given_once_guarded_by_its_set_and_unknown_after_its_free()
    {
        var allocator = new IoasidAllocator();
        var five = new IoasidRange(5, 5);
        var owner = new IoasidSet("owner");
        allocator.TryAllocate(five, owner, null, out Ioasid id).Should().BeTrue();
        id.Should().Be(new Ioasid(5));

        allocator.TryAllocate(five, owner, null, out Ioasid again).Should().BeFalse();
        again.Should().Be(Ioasid.Invalid);
        allocator.Lookup(id, new IoasidSet("other"), out _).Should().Be(PasidStatus.AccessDenied);
        allocator.Lookup(id, out object? data).Should().Be(PasidStatus.Success);
        data.Should().BeNull();

        allocator.Free(id);
        allocator.Lookup(id, out _).Should().Be(PasidStatus.NotFound);
        allocator.SetData(id, "data").Should().Be(PasidStatus.NotFound);
    }

    [Fact]
    public void D40_custom_allocators_wait_share_queue_and_are_told_of_a_choice_that_was_taken()
    {
        var allocator = new IoasidAllocator();
        var range = new IoasidRange(1, 4);
        var functions = new SpyFunctions(r => r.Minimum);
        var first = new CustomIoasidAllocator("first", functions);
        var shared = new CustomIoasidAllocator("shared", functions);
        var next = new CustomIoasidAllocator("next", SpyFunctions.Downwards());
        Ioasid live = allocator.Allocate(range);

        allocator.Register(first).Should().Be(PasidStatus.TryAgain);
        allocator.Free(live);
        allocator.Register(first).Should().Be(PasidStatus.Success);
        allocator.Register(shared).Should().Be(PasidStatus.Success);
        allocator.Register(next).Should().Be(PasidStatus.Success);

        allocator.Allocate(range).Should().Be(new Ioasid(1), "the first registered stays active");
        allocator.TryAllocate(range, null, null, out _).Should().BeFalse("the functions choose a number that is taken");
        functions.Calls.Count(call => call.StartsWith("free", StringComparison.Ordinal)).Should().Be(1);

        allocator.Unregister(first);
        allocator.Unregister(shared);
        allocator.Allocate(range).Should().Be(new Ioasid(4), "the next one is active now");
    }
}

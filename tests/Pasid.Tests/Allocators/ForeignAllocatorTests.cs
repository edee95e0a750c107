namespace Pasid.Tests.Allocators;

/// <summary>What the everyday forms do with the answers of an allocator that is not the library's.</summary>
public sealed class ForeignAllocatorTests
{
    [Theory]
    [InlineData(9u)]
    [InlineData(4u)]
    [InlineData(0u)]
    [InlineData(uint.MaxValue - 1)]
    public void Allocate_of_an_id_outside_the_range_hands_it_back_and_names_the_allocator(uint answer)
    {
        var allocator = new Foreign(new Ioasid(answer));

        allocator.Invoking(a => a.Allocate(new IoasidRange(5, 8)))
            .Should().Throw<InvalidOperationException>().WithMessage($"*{typeof(Foreign)}*id {answer}*5..8*has to answer an id of the range, or false*")
            .Which.Should().NotBeOfType<PasidException>();

        allocator.Freed.Should().Equal(new Ioasid(answer));
    }

    [Fact]
    public void Allocate_of_the_invalid_id_hands_nothing_back_and_names_the_allocator()
    {
        var allocator = new Foreign(Ioasid.Invalid);

        allocator.Invoking(a => a.Allocate(new IoasidRange(5, uint.MaxValue)))
            .Should().Throw<InvalidOperationException>().WithMessage($"*{typeof(Foreign)}*the invalid id*")
            .Which.Should().NotBeOfType<PasidException>();

        allocator.Freed.Should().BeEmpty();
    }

    [Fact]
    public void Allocate_of_an_id_that_cannot_be_handed_back_says_both()
    {
        var allocator = new Foreign(new Ioasid(9)) { Failure = new TimeoutException() };

        allocator.Invoking(a => a.Allocate(new IoasidRange(5, 8)))
            .Should().Throw<InvalidOperationException>().WithMessage("*id 9*").WithInnerException<TimeoutException>();
    }

    [Theory]
    [InlineData(5u)]
    [InlineData(8u)]
    public void Allocate_of_an_id_of_the_range_answers_it(uint answer)
    {
        var allocator = new Foreign(new Ioasid(answer));

        allocator.Allocate(new IoasidRange(5, 8)).Should().Be(new Ioasid(answer));

        allocator.Freed.Should().BeEmpty();
    }

    [Fact]
    public void LiveIds_of_an_allocator_that_does_not_go_on_end()
    {
        var allocator = new Foreign(new Ioasid(5));

        allocator.Invoking(a => a.LiveIds().Take(10).Count())
            .Should().Throw<InvalidOperationException>().WithMessage($"*{typeof(Foreign)}*5*from 6*");
    }

    private sealed class Foreign(Ioasid answer) : IIoasidAllocator
    {
        public List<Ioasid> Freed { get; } = [];

        public Exception? Failure { get; init; }

        public long LiveCount => 1;

        public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
        {
            id = answer;
            return true;
        }

        public PasidStatus Free(Ioasid id)
        {
            Freed.Add(id);
            return Failure is null ? PasidStatus.Success : throw Failure;
        }

        public PasidStatus AddReference(Ioasid id) => PasidStatus.NotFound;

        public IoasidRelease DropReference(Ioasid id) => IoasidRelease.Unknown;

        public PasidStatus SetData(Ioasid id, object? data) => PasidStatus.NotFound;

        public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
        {
            data = null;
            return PasidStatus.NotFound;
        }

        public bool TryFindLive(Ioasid from, out Ioasid id)
        {
            id = answer;
            return true;
        }
    }
}

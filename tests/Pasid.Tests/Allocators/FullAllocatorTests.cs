namespace Pasid.Tests.Allocators;

/// <summary>All PASIDs of a host at once.</summary>
public sealed class FullAllocatorTests
{
    [Fact]
    public void Every_pasid_can_be_allocated_freed_at_random_and_allocated_again_lowest_first()
    {
        var allocator = new IoasidAllocator();
        for (uint expected = 1; expected < IoasidRange.PasidLimit; expected++)
        {
            if (!allocator.TryAllocate(IoasidRange.Pasids, null, null, out Ioasid id) || id.Value != expected)
            {
                id.Should().Be(new Ioasid(expected));
            }
        }

        allocator.TryAllocate(IoasidRange.Pasids, null, null, out _).Should().BeFalse();
        var random = new Random(20200330);
        uint[] freed = [.. Enumerable.Range(0, 5_000).Select(_ => (uint)random.Next(1, IoasidRange.PasidLimit)).Distinct()];
        foreach (uint id in freed)
        {
            allocator.Free(new Ioasid(id)).Should().Be(PasidStatus.Success);
        }

        foreach (uint id in freed.Order())
        {
            allocator.Allocate(IoasidRange.Pasids).Should().Be(new Ioasid(id));
        }

        allocator.LiveCount.Should().Be(IoasidRange.PasidLimit - 1);
    }
}

namespace Pasid.Tests.Allocators;

/// <summary>
/// How much work an operation is, in bitmap words touched instead of time. Counted in debug builds; others compile the
/// counting out, and the tests then say that.
/// </summary>
public sealed class WorkTests
{
    private const int Full = IoasidRange.PasidLimit - 2;

#if DEBUG
    private const bool IsCounted = true;

    private long Words() => _allocator.Active.Table!.Ids.TouchedWords;
#else
    private const bool IsCounted = false;

    private static long Words() => 0;
#endif

    private readonly IoasidAllocator _allocator = new();

    [Fact]
    public void A_pair_at_one_live_id_touches_four_words()
    {
        Fill(1);

        Pair(1, IoasidRange.Pasids).Should().BeInRange(IsCounted ? 1 : 0, IsCounted ? 4 : 0);
    }

    [Fact]
    public void A_pair_at_a_full_id_space_touches_at_most_20_words_wherever_the_id_is()
    {
        Fill(Full);

        for (uint id = 1; id <= Full; id += 997)
        {
            Pair(id, IoasidRange.Pasids).Should().BeInRange(IsCounted ? 1 : 0, IsCounted ? 20 : 0, $"id {id}");
        }
    }

    [Fact]
    public void A_pair_among_4000_scattered_holes_touches_at_most_20_words()
    {
        Fill(Full);
        var random = new Random(4_000);
        for (int i = 0; i < 4_000; i++)
        {
            _allocator.Free(new Ioasid((uint)random.Next(1, Full)));
        }

        for (uint minimum = 1; minimum <= Full; minimum += 997)
        {
            var range = new IoasidRange(minimum, IoasidRange.PasidLimit - 1);
            long before = Words();
            _allocator.TryAllocate(range, null, null, out Ioasid id).Should().BeTrue();
            long allocation = Words() - before;
            _allocator.Free(id);

            allocation.Should().BeInRange(IsCounted ? 1 : 0, IsCounted ? 20 : 0, $"minimum {minimum}");
        }
    }

    [Fact]
    public void A_refused_allocation_in_a_full_range_touches_at_most_40_words()
    {
        Fill(Full);
        long before = Words();

        _allocator.TryAllocate(new IoasidRange(1, Full), null, null, out _).Should().BeFalse();

        // Asked twice: once in the common way, once in the general one.
        (Words() - before).Should().BeInRange(IsCounted ? 1 : 0, IsCounted ? 40 : 0);
    }

    [Fact]
    public void A_lookup_touches_no_bitmap_word()
    {
        Fill(1_000);
        long before = Words();

        _allocator.Lookup(new Ioasid(500), null, null, out _).Should().Be(PasidStatus.Success);
        _allocator.Lookup(new Ioasid(5_000), null, null, out _).Should().Be(PasidStatus.NotFound);

        (Words() - before).Should().Be(0);
    }

    private long Pair(uint id, IoasidRange range)
    {
        long before = Words();
        _allocator.Free(new Ioasid(id)).Should().Be(PasidStatus.Success);
        _allocator.TryAllocate(range, null, null, out Ioasid again).Should().BeTrue();
        again.Value.Should().Be(id);
        return Words() - before;
    }

    private void Fill(int count)
    {
        for (int i = 0; i < count; i++)
        {
            _allocator.TryAllocate(IoasidRange.Pasids, null, null, out _).Should().BeTrue();
        }
    }
}

using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Allocators;

/// <summary>Memory follows the live ids. None of it is timed; it runs while no other test does, because all share one heap.</summary>
[Collection(nameof(AloneCollection))]
public sealed class MemoryTests
{
    private const int Kept = 64 * 1024;
    private const uint Block = 1 << 18;

    /// <summary>What the runtime counts as taken although it is its own room for what comes next.</summary>
    private const int Room = 16 * 1024;

    /// <summary>Over how many allocators bytes are measured, so that this room hardly counts.</summary>
    private const int Allocators = 4;

    private readonly IoasidSet _owner = new("owner");

    public static TheoryData<string, Action<IoasidAllocator>> Histories() => new()
    {
        { "every pasid", a => HoldAndFree(a, Enumerable.Range(1, IoasidRange.PasidLimit - 2).Select(id => (uint)id)) },
        { "every pasid, freed at random", a => HoldAndFree(a, Enumerable.Range(1, IoasidRange.PasidLimit - 2).Select(id => (uint)id), isShuffled: true) },
        { "one in 512", a => HoldAndFree(a, Sparse(512, 20_000)) },
        { "one in 4096, freed at random", a => HoldAndFree(a, Sparse(4_096, 20_000), isShuffled: true) },
        { "one in each block", a => HoldAndFree(a, Sparse(Block, 4_000)) },
        { "one in each block, downwards", a => HoldAndFree(a, Sparse(Block, 4_000).Reverse(), isShuffled: true) },
        { "one in each block, never two at once", a => Sparse(Block, 16_383).ToList().ForEach(id => HoldAndFree(a, [id])) },
        { "both ends of every block", a => HoldAndFree(a, Sparse(Block, 2_000).SelectMany(id => new[] { id - Block + 1, id }), isShuffled: true) },
        { "the ends of the directories", a => HoldAndFree(a, [5, 2_047, Block - 1, (1 << 21) - 1, 1 << 21, (1 << 25) - 1, 1 << 25, uint.MaxValue - 1]) },
        { "owners", a => HoldAndFree(a, Enumerable.Range(1, 200_000).Select(id => (uint)id), owner: id => new IoasidSet($"{id}")) },
        { "restored", a => Restore(a, Sparse(4_096, 20_000), references: 1).ForEach(id => a.Free(new Ioasid(id.Id))) },
    };

    [Theory]
    [MemberData(nameof(Histories))]
    public void An_emptied_allocator_keeps_64_KB_wherever_its_ids_were(string what, Action<IoasidAllocator> history)
    {
        history(new IoasidAllocator());
        IoasidAllocator[] allocators = [.. Enumerable.Range(0, Allocators).Select(_ => new IoasidAllocator())];
        long before = SettledMemory.Measure();
        foreach (IoasidAllocator allocator in allocators)
        {
            history(allocator);
        }

        long kept = SettledMemory.Measure() - before;

        foreach (IoasidAllocator allocator in allocators)
        {
            allocator.LiveCount.Should().Be(0, what);
            allocator.CheckIntegrity().Should().BeEmpty(what);
            allocator.GetStatistics().Frees.Should().Be(allocator.GetStatistics().Allocations).And.BePositive(what);
        }

        kept.Should().BeLessThanOrEqualTo((Kept * Allocators) + Room, what);
    }

    /// <summary>A table that would begin anew if nothing were held back.</summary>
    [Fact]
    public void Ids_that_a_quarantine_holds_back_are_kept_when_no_id_is_live()
    {
        uint[] ids = [(1 << 18) - 1, (1 << 21) - 1, 1 << 25];
        var allocator = new IoasidAllocator(IoasidReusePolicy.Quarantine(2));

        HoldAndFree(allocator, ids);

        allocator.LiveCount.Should().Be(0);
        allocator.CheckIntegrity().Should().BeEmpty();
        ids.Select(id => allocator.TryAllocate(new IoasidRange(id, id), _owner, data: null, out _)).Should().Equal(true, false, false);
    }

    /// <summary>What the allocator keeps is the same each time; what threads of other tests are still about to let go of is not.</summary>
    [Fact]
    public void The_table_of_an_emptied_custom_allocator_keeps_64_KB()
    {
        long kept = Enumerable.Range(0, 3).Min(_ => FillAndEmptyCustomAllocator());

        // That of the default table and that of the custom one.
        kept.Should().BeLessThanOrEqualTo((2 * Kept) + Room);
    }

    private long FillAndEmptyCustomAllocator()
    {
        const int Count = 20_000;
        using var functions = new Given(Sparse(4_096, Count));
        var allocator = new IoasidAllocator();
        allocator.Register(new CustomIoasidAllocator("custom", functions));
        long before = SettledMemory.Measure();
        List<Ioasid> live = [];
        for (int i = 0; i < Count; i++)
        {
            live.Add(allocator.Allocate(new IoasidRange(0, uint.MaxValue - 1), _owner));
        }

        live.ForEach(id => allocator.Free(id));
        live = [];
        long kept = SettledMemory.Measure() - before;

        allocator.CheckIntegrity().Should().BeEmpty();
        return kept;
    }

    /// <summary>A page of 512 records each, with what leads to it.</summary>
    [Theory]
    [InlineData(512, 8_300)]
    [InlineData(4_096, 8_900)]
    [InlineData(1 << 18, 13_300)]
    public void A_lone_id_costs_what_the_readme_says(uint step, int bound)
    {
        const int Count = 4_000;
        long before = SettledMemory.Measure();
        var allocator = new IoasidAllocator();
        foreach (uint id in Sparse(step, Count))
        {
            allocator.TryAllocate(new IoasidRange(id, id), _owner, data: null, out _);
        }

        long live = SettledMemory.Measure() - before;

        allocator.LiveCount.Should().Be(Count);
        ((double)live / Count).Should().BeLessThanOrEqualTo(bound);
    }

    [Fact]
    public void A_lone_id_costs_no_more_in_a_block_that_was_swept()
    {
        const int Blocks = 200;
        long before = SettledMemory.Measure();
        var allocator = new IoasidAllocator();
        for (uint id = Block; id < (Blocks + 1) * Block; id += 512)
        {
            allocator.TryAllocate(new IoasidRange(id, id), _owner, data: null, out _);
            if (id % Block != 0)
            {
                allocator.Free(new Ioasid(id));
            }
        }

        long live = SettledMemory.Measure() - before;

        allocator.LiveCount.Should().Be(Blocks);
        allocator.CheckIntegrity().Should().BeEmpty();
        ((double)live / Blocks).Should().BeLessThanOrEqualTo(13_300 + 500);
    }

    [Fact]
    public void Owners_that_are_gone_cost_nothing_while_others_stay()
    {
        const int Count = 200_000;
        var allocator = new IoasidAllocator();
        allocator.TryAllocate(IoasidRange.Pasids, _owner, data: null, out Ioasid first);
        long before = SettledMemory.Measure();
        for (int i = 0; i < Count; i++)
        {
            allocator.TryAllocate(new IoasidRange(2, 2), new IoasidSet("other"), data: null, out Ioasid id);
            allocator.AddReference(id);
            allocator.TryAllocate(IoasidRange.Pasids, new IoasidSet("other"), data: null, out _);
            allocator.DropReference(id);
            allocator.Free(id);
        }

        for (uint id = 2; id <= Count + 2; id++)
        {
            allocator.Free(new Ioasid(id));
        }

        long kept = SettledMemory.Measure() - before;

        allocator.LiveIds().Should().Equal(first);
        allocator.CheckIntegrity().Should().BeEmpty();
        // What a table with one live id keeps of words, directories and empty pages; the owners took megabytes.
        kept.Should().BeLessThanOrEqualTo(400_000);
    }

    [Fact]
    public void Counts_of_many_references_go_with_the_last_of_them()
    {
        const int Count = 100_000;
        const int Many = 4_095;
        var allocator = new IoasidAllocator();
        Restore(allocator, Sparse(1, Count), Many - 1);
        long before = SettledMemory.Measure();
        for (uint id = 0; id < Count; id++)
        {
            allocator.AddReference(new Ioasid(id));
        }

        long many = SettledMemory.Measure() - before;
        for (uint id = 0; id < Count; id++)
        {
            allocator.DropReference(new Ioasid(id));
        }

        long few = SettledMemory.Measure() - before;

        allocator.GetReferenceCount(new Ioasid(7)).Should().Be(Many - 1);
        many.Should().BeGreaterThan(20 * Count);
        few.Should().BeLessThan(Kept);
    }

    public static TheoryData<string, uint[]> Turns() => new()
    {
        { "one near 0", [700] },
        { "one below 2^18", [Block - 1] },
        { "one below 2^21", [(1 << 21) - 1] },
        { "one at the top", [uint.MaxValue - 1] },
        { "three below 2^20", [300_000, 600_000, 900_000] },
        { "three at the borders of blocks", [Block, (3 * Block) - 1, 3 * Block] },
        { "three above", [1 << 21, 1 << 25, 1u << 31] },
    };

    [Theory]
    [MemberData(nameof(Turns))]
    public void Lone_ids_that_come_and_go_in_turn_make_nothing(string what, uint[] ids)
    {
        var allocator = new IoasidAllocator();
        void Turn()
        {
            foreach (uint id in ids)
            {
                allocator.TryAllocate(new IoasidRange(id, id), _owner, data: null, out _);
                allocator.Free(new Ioasid(id));
            }
        }

        Turn();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Turn();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0, what);
    }

    [Fact]
    public void An_allocation_that_is_refused_for_too_many_owners_keeps_no_page()
    {
        const int Tags = 1_048_575;
        const int Refused = 1_000;
        var allocator = new IoasidAllocator();
        for (int i = 0; i < Tags; i++)
        {
            allocator.TryAllocate(IoasidRange.All, new IoasidSet("owner"), data: null, out _).Should().BeTrue();
        }

        long before = SettledMemory.Measure();
        for (uint i = 1; i <= Refused; i++)
        {
            allocator.TryAllocate(new IoasidRange((1 << 24) + (i * Block), uint.MaxValue), _owner, data: null, out _).Should().BeFalse();
        }

        long kept = SettledMemory.Measure() - before;

        allocator.CheckIntegrity().Should().BeEmpty();
        kept.Should().BeLessThanOrEqualTo(2 * Kept);
    }

    [Fact]
    public void The_first_page_is_split_into_the_pages_that_have_live_ids()
    {
        var allocator = new IoasidAllocator();
        allocator.TryAllocate(new IoasidRange(1_600, 1_600), _owner, data: null, out _);
        long before = GC.GetAllocatedBytesForCurrentThread();

        allocator.TryAllocate(new IoasidRange(2_048, 2_048), _owner, data: null, out _);

        // Two pages of 8 KB, and what leads to them.
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(18_000);
        allocator.CheckIntegrity().Should().BeEmpty();
    }

    private static void HoldAndFree(IoasidAllocator allocator, IEnumerable<uint> ids, bool isShuffled = false, Func<uint, IoasidSet>? owner = null)
    {
        List<uint> live = [];
        foreach (uint id in ids)
        {
            if (!allocator.TryAllocate(new IoasidRange(id, id), owner?.Invoke(id), data: null, out _))
            {
                id.Should().Be(0, "it is free");
            }

            live.Add(id);
        }

        uint[] order = [.. live];
        if (isShuffled)
        {
            new Random(order.Length).Shuffle(order);
        }

        foreach (uint id in order)
        {
            allocator.Free(new Ioasid(id));
        }
    }

    private static List<IdEntry> Restore(IoasidAllocator allocator, IEnumerable<uint> ids, long references)
    {
        using var binder = new SvmBinder(allocator);
        List<IdEntry> live = [.. ids.Select(id => new IdEntry(id, references))];
        binder.Restore(new PasidSnapshot(SnapshotEdit.Empty with { LiveCount = live.Count, Ids = live }));
        return live;
    }

    /// <summary>The last of each so many ids.</summary>
    private static IEnumerable<uint> Sparse(uint step, int count) => Enumerable.Range(1, count).Select(i => (uint)((i * (long)step) - 1));

    /// <summary>Functions that give ids in a given order.</summary>
    private sealed class Given(IEnumerable<uint> ids) : ICustomIoasidFunctions, IDisposable
    {
        private readonly IEnumerator<uint> _ids = ids.GetEnumerator();

        public Ioasid Allocate(IoasidRange range, object? privateData) => _ids.MoveNext() ? new Ioasid(_ids.Current) : Ioasid.Invalid;

        public void Free(Ioasid id, object? privateData)
        {
        }

        public void Dispose() => _ids.Dispose();
    }
}

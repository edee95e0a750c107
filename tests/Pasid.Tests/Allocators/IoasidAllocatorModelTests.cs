using Pasid.Tests.Support;

namespace Pasid.Tests.Allocators;

/// <summary>Random operations on the library's allocator and the naive one must answer alike.</summary>
public sealed class IoasidAllocatorModelTests
{
    private static readonly uint[] s_borders = [0, 63, 64, 511, 512, 4_095, 4_096, 65_535, 262_143, 262_144, 1 << 20, 2_097_151, 2_097_152, 16_777_215, uint.MaxValue];

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 1; seed <= 24; seed++)
        {
            seeds.Add(seed);
        }

        return seeds;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Random_operations_answer_as_the_naive_allocator_does(int seed)
    {
        var random = new Random(seed);
        var model = new NaiveIoasidAllocator();
        var allocator = new IoasidAllocator();
        IoasidSet?[] sets = [null, .. Enumerable.Range(0, random.Next(1, 40)).Select(i => new IoasidSet($"set {i}"))];
        int spread = random.Next(4, 600);
        uint[] centres = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => s_borders[random.Next(s_borders.Length)])];

        uint Near() => (uint)Math.Clamp(centres[random.Next(centres.Length)] + (long)random.Next(-spread, spread), 0, uint.MaxValue);

        for (int i = 0; i < 3_000; i++)
        {
            string because = $"seed {seed}, operation {i}";
            var id = new Ioasid(Near());
            switch (random.Next(8))
            {
                case 0 or 1 or 2:
                    uint first = Near();
                    var range = new IoasidRange(first, (uint)Math.Min(uint.MaxValue, first + (long)random.Next(-2, spread)));
                    IoasidSet? owner = sets[random.Next(sets.Length)];
                    bool expected = model.TryAllocate(range, owner, i, out Ioasid expectedId);
                    allocator.TryAllocate(range, owner, i, out Ioasid actualId).Should().Be(expected, because);
                    actualId.Should().Be(expectedId, because);
                    break;
                case 3:
                    allocator.Free(id).Should().Be(model.Free(id), because);
                    break;
                case 4:
                    allocator.AddReference(id).Should().Be(model.AddReference(id), because);
                    break;
                case 5:
                    allocator.DropReference(id).Should().Be(model.DropReference(id), because);
                    break;
                case 6:
                    allocator.SetData(id, -i).Should().Be(model.SetData(id, -i), because);
                    break;
                default:
                    IoasidSet? asked = sets[random.Next(sets.Length)];
                    PasidStatus status = model.Lookup(id, asked, out object? expectedData);
                    allocator.Lookup(id, asked, out object? actualData).Should().Be(status, because);
                    actualData.Should().Be(expectedData, because);
                    break;
            }

            if (i % 500 == 499)
            {
                allocator.LiveIds().ToArray().Should().Equal(model.LiveIds().ToArray(), because);
                allocator.LiveCount.Should().Be(model.LiveCount, because);
            }
        }
    }

    /// <summary>Few ids far apart, of few owners, all of which are freed now and then: pages, blocks, rows and directories come and go,
    /// and with the last id all of them.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Ids_far_apart_that_come_and_go_answer_as_the_naive_allocator_does(int seed)
    {
        var random = new Random(seed);
        var model = new NaiveIoasidAllocator();
        var allocator = new IoasidAllocator();
        IoasidSet?[] sets = [null, .. Enumerable.Range(0, random.Next(1, 5)).Select(i => new IoasidSet($"set {i}"))];
        uint[] steps = [1 << 9, 1 << 12, 1 << 17, 1 << 18, 1 << 21, 1 << 25];
        uint step = steps[random.Next(steps.Length)];
        uint first = random.Next(3) switch { 0 => 0, 1 => 1 << 18, _ => uint.MaxValue - (40 * step) };
        int most = random.Next(1, 40);
        var live = new List<Ioasid>();
        for (int i = 0; i < 1_500; i++)
        {
            string because = $"seed {seed}, operation {i}";
            uint at = first + ((uint)random.Next(40) * step) - (uint)random.Next(2);
            if (live.Count < most && random.Next(3) != 0)
            {
                var range = new IoasidRange(at, at);
                IoasidSet? owner = sets[random.Next(sets.Length)];
                bool expected = model.TryAllocate(range, owner, i, out _);
                allocator.TryAllocate(range, owner, i, out Ioasid id).Should().Be(expected, because);
                if (expected)
                {
                    live.Add(id);
                }
            }
            else
            {
                // All of them now and then, in any order.
                for (int left = random.Next(8) == 0 ? live.Count : Math.Min(live.Count, 1); left > 0; left--)
                {
                    int index = random.Next(live.Count);
                    allocator.Free(live[index]).Should().Be(model.Free(live[index]), because);
                    live.RemoveAt(index);
                }
            }

            PasidStatus status = model.Lookup(new Ioasid(at), sets[^1], out object? expectedData);
            allocator.Lookup(new Ioasid(at), sets[^1], out object? data).Should().Be(status, because);
            data.Should().Be(expectedData, because);
            if (i % 50 == 49 || live.Count == 0)
            {
                allocator.CheckIntegrity().Should().BeEmpty(because);
                allocator.LiveIds().ToArray().Should().Equal(model.LiveIds().ToArray(), because);
            }
        }
    }

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

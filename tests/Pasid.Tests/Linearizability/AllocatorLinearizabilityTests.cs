using Pasid.Tests.Support;
using Call = Pasid.Tests.Support.ConcurrentCalls<Pasid.IIoasidAllocator>.Call;

namespace Pasid.Tests.Linearizability;

/// <summary>Whatever threads do to an allocator at once, lookups included, one thread could have done to the naive one.</summary>
[Collection(nameof(AloneCollection))]
public sealed class AllocatorLinearizabilityTests
{
    /// <summary>Stands for <see cref="s_far"/> where otherwise four ids in a row begin.</summary>
    private const uint Far = uint.MaxValue;

    /// <summary>With the first two free the table keeps more than it may, and begins anew.</summary>
    private static readonly uint[] s_far = [(1 << 18) - 1, (1 << 21) - 1, 1_600, uint.MaxValue - 2];

    private static readonly IoasidSet?[] s_owners = [null, new("red"), new("blue"), new("green")];

    /// <summary>Where the structure changes: the root word, the end of it, the split of the first page, the further ids, the top.</summary>
    public static TheoryData<uint, int, IoasidReusePolicy> Places() => new()
    {
        { Far, 2, IoasidReusePolicy.LowestFirst },
        { Far, 3, IoasidReusePolicy.LowestFirst },
        { 1, 2, IoasidReusePolicy.LowestFirst },
        { 1, 3, IoasidReusePolicy.LowestFirst },
        { 62, 2, IoasidReusePolicy.LowestFirst },
        { 510, 2, IoasidReusePolicy.LowestFirst },
        { 2_046, 2, IoasidReusePolicy.LowestFirst },
        { (1 << 18) - 2, 2, IoasidReusePolicy.LowestFirst },
        { uint.MaxValue - 4, 2, IoasidReusePolicy.LowestFirst },
        { 1, 2, IoasidReusePolicy.Cyclic },
        { 1, 2, IoasidReusePolicy.Quarantine(2) },
        { 1, 2, IoasidReusePolicy.Quarantine(2, QuarantineExhaustion.ReleaseOldest) },
    };

    [Theory]
    [MemberData(nameof(Places))]
    public void Calls_of_several_threads_are_those_of_one_in_some_order(uint place, int threads, IoasidReusePolicy policy)
    {
        using var run = new ConcurrentCalls<IIoasidAllocator>(threads);
        int rounds = Effort.Rounds(threads == 2 ? 3_000 : 1_000);
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            Call[] prepared = Calls(random, place, random.Next(4));
            Call[][] calls = [.. Enumerable.Range(0, threads).Select(_ => Calls(random, place, threads == 2 ? 5 : 4))];
            IIoasidAllocator Prepare(IIoasidAllocator allocator)
            {
                Array.ForEach(prepared, call => call.Run(allocator));
                return allocator;
            }

            string? refuted = run.Refute(Prepare(new IoasidAllocator(policy)), () => Prepare(new NaiveIoasidAllocator(policy)), calls, State);

            refuted.Should().BeNull($"seed {seed}");
        }
    }

    private static Call[] Calls(Random random, uint place, int count)
    {
        var calls = new Call[count];
        for (int i = 0; i < count; i++)
        {
            var id = new Ioasid(place == Far ? s_far[random.Next(4)] : place + (uint)random.Next(4));
            IoasidRange range = place == Far
                ? new IoasidRange(id.Value, id.Value + (uint)random.Next(2))
                : new IoasidRange(place + (uint)random.Next(2), place + 1 + (uint)random.Next(3));
            IoasidSet? owner = s_owners[random.Next(s_owners.Length)];
            string data = $"data {random.Next(100)}";
            calls[i] = random.Next(10) switch
            {
                < 3 => new Call($"allocate {range} {owner} {data}", a => a.TryAllocate(range, owner, data, out Ioasid got) ? $"{got}" : "none"),
                < 5 => new Call($"free {id}", a => $"{a.Free(id)}"),
                < 8 => new Call($"lookup {id} {owner}", a => $"{a.Lookup(id, owner, null, out object? found)} {found}"),
                8 => new Call($"set {id} {data}", a => $"{a.SetData(id, data)}"),
                _ => random.Next(2) == 0
                    ? new Call($"get {id}", a => $"{a.AddReference(id)}")
                    : new Call($"put {id}", a => $"{a.DropReference(id)}"),
            };
        }

        return calls;
    }

    private static string State(IIoasidAllocator allocator)
    {
        if (allocator is IoasidAllocator real)
        {
            real.CheckIntegrity().Should().BeEmpty();
        }

        return string.Join('\n', allocator.LiveIds().Select(id => $"{id} {allocator.Lookup(id, out object? data)} {data}")) + $"\n{allocator.LiveCount} live";
    }
}

using System.Collections.Concurrent;

namespace Pasid.Tests.Allocators;

public sealed class IoasidAllocatorConcurrencyTests
{
    private const int Threads = 4;

    [Fact]
    public async Task Lookup_finds_a_live_id_at_every_moment_while_the_table_grows_around_it()
    {
        var data = new object();
        var range = new IoasidRange(1, 1);
        IoasidAllocator? current = null;
        bool isDone = false;
        long lost = 0;
        using var start = new Barrier(2);
        Task reader = Task.Factory.StartNew(
            () =>
            {
                start.SignalAndWait();
                while (!Volatile.Read(ref isDone))
                {
                    if (Volatile.Read(ref current) is { } allocator)
                    {
                        lost += allocator.Lookup(new Ioasid(1), out object? found) == PasidStatus.Success && found == data ? 0 : 1;
                    }
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

        start.SignalAndWait();
        for (int round = 0; round < 20_000; round++)
        {
            var allocator = new IoasidAllocator();
            allocator.TryAllocate(range, null, data, out _);
            Volatile.Write(ref current, allocator);
            foreach (uint growth in (ReadOnlySpan<uint>)[9, 600, 5_000, 70_000])
            {
                allocator.TryAllocate(new IoasidRange(growth, growth), null, null, out _);
            }
        }

        Volatile.Write(ref isDone, true);
        await reader;
        lost.Should().Be(0);
    }

    [Fact]
    public async Task Ids_are_never_live_twice_and_always_lead_to_their_owners_data()
    {
        var allocator = new IoasidAllocator();
        var range = new IoasidRange(1, 700);
        var violations = new ConcurrentQueue<string>();
        using var start = new Barrier(Threads);

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                var random = new Random(thread);
                var owner = new IoasidSet($"thread {thread}");
                var mine = new Dictionary<Ioasid, object>();
                start.SignalAndWait();
                for (int i = 0; i < 60_000; i++)
                {
                    object data = new();
                    if (mine.Count < 150 && random.Next(2) == 0)
                    {
                        if (!allocator.TryAllocate(range, owner, data, out Ioasid id) || !mine.TryAdd(id, data))
                        {
                            violations.Enqueue($"{id} given twice or not at all");
                        }

                        continue;
                    }

                    if (mine.Count != 0)
                    {
                        (Ioasid id, object expected) = mine.ElementAt(random.Next(mine.Count));
                        if (allocator.Lookup(id, owner, out object? actual) != PasidStatus.Success || actual != expected)
                        {
                            violations.Enqueue($"{id} leads elsewhere");
                        }

                        mine.Remove(id);
                        if (allocator.Free(id) != PasidStatus.Success)
                        {
                            violations.Enqueue($"{id} was freed by somebody else");
                        }
                    }

                    // Anybody's id: either it is not live, or its data and owner belong together.
                    var any = new Ioasid((uint)random.Next(1, 700));
                    if (allocator.Lookup(any, owner, out object? found) == PasidStatus.Success && (!mine.TryGetValue(any, out object? own) || own != found))
                    {
                        violations.Enqueue($"{any} answers for the wrong owner");
                    }
                }

                foreach (Ioasid id in mine.Keys)
                {
                    allocator.Free(id);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));

        violations.Should().BeEmpty();
        allocator.LiveCount.Should().Be(0);
        allocator.LiveIds().Should().BeEmpty();
    }

    [Fact]
    public async Task Registration_beside_allocation_loses_no_id_of_the_default_allocator()
    {
        var allocator = new IoasidAllocator();
        var custom = new CustomIoasidAllocator("refuses", new Refusing());
        using var stop = new CancellationTokenSource();
        Task registrar = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                if (allocator.Register(custom) == PasidStatus.Success)
                {
                    allocator.Unregister(custom).Should().Be(PasidStatus.Success);
                }
            }
        });

        for (int i = 0; i < 100_000; i++)
        {
            if (allocator.TryAllocate(IoasidRange.Pasids, null, null, out Ioasid id))
            {
                id.Should().Be(new Ioasid(1));
                allocator.Free(id).Should().Be(PasidStatus.Success, "a registration waits until no id is live");
            }
        }

        await stop.CancelAsync();
        await registrar;
        allocator.LiveCount.Should().Be(0);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(20)]
    public async Task Lookup_beside_frees_finds_the_id_or_not_but_never_denies_its_only_owner(int ownersBefore)
    {
        var allocator = new IoasidAllocator();
        for (int i = 0; i < ownersBefore; i++)
        {
            allocator.Allocate(new IoasidRange(100, 200), new IoasidSet($"before {i}"));
        }

        var owner = new IoasidSet("owner");
        var one = new IoasidRange(1, 1);
        bool stop = false;
        Task writer = Task.Factory.StartNew(
            () =>
            {
                while (!Volatile.Read(ref stop))
                {
                    allocator.TryAllocate(one, owner, owner, out Ioasid id);
                    allocator.Free(id);
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

        int denied = 0;
        int wrong = 0;
        for (int i = 0; i < 3_000_000; i++)
        {
            PasidStatus status = allocator.Lookup(new Ioasid(1), owner, null, out object? data);
            denied += status == PasidStatus.AccessDenied ? 1 : 0;
            wrong += status == PasidStatus.Success && data != owner ? 1 : 0;
        }

        Volatile.Write(ref stop, true);
        await writer;
        denied.Should().Be(0);
        wrong.Should().Be(0);
    }

    private sealed class Refusing : ICustomIoasidFunctions
    {
        public Ioasid Allocate(IoasidRange range, object? privateData) => Ioasid.Invalid;

        public void Free(Ioasid id, object? privateData)
        {
        }
    }
}

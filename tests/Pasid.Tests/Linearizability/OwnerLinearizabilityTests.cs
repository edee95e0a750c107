using Pasid.Tests.Support;
using Call = Pasid.Tests.Support.ConcurrentCalls<Pasid.IIoasidAllocator>.Call;

namespace Pasid.Tests.Linearizability;

/// <summary>Whatever threads do to what moves the records of ids, and gives the numbers of owners to others, a lookup by an
/// owner answers for one moment.</summary>
[Collection(nameof(AloneCollection))]
public sealed class OwnerLinearizabilityTests
{
    private static readonly IoasidSet[] s_owners = [.. Enumerable.Range(0, 16).Select(number => new IoasidSet($"owner {number}"))];

    /// <summary>The ends of each length of the first page, and of directories; the first of a page beyond.</summary>
    private static readonly uint[] s_ends = [1, 2, 9, 10, 63, 64, 255, 256, 511, 512, 1_023, 1_024, 2_047, 2_048, 4_095, 4_096, (1 << 18) - 1, 1 << 18, (1 << 21) - 1, 1 << 21];

    /// <summary>How long the first page is, and the id that has it replaced: by a longer one, or from 2,048 on by a directory.</summary>
    public static TheoryData<uint, uint> Growths() => new()
    {
        { 2, 2 }, { 10, 10 }, { 64, 64 }, { 256, 256 }, { 512, 512 }, { 1_024, 1_024 }, { 2_048, 2_048 }, { 2, 2_048 },
    };

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Calls_beside_pages_that_grow_are_those_of_one_thread_in_some_order(int threads)
    {
        using var run = new ConcurrentCalls<IIoasidAllocator>(threads);
        int rounds = Effort.Rounds(threads == 2 ? 3_000 : 1_000);
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            uint[] ids = [0, .. Enumerable.Range(0, 4).Select(_ => s_ends[random.Next(s_ends.Length)])];
            int owners = random.Next(2, s_owners.Length + 1);
            Call[] prepared = [.. Enumerable.Range(0, random.Next(owners)).Select(number => Take((uint)number + 10, s_owners[number])), .. Calls(random, ids, owners, random.Next(4))];
            Call[][] calls = [.. Enumerable.Range(0, threads).Select(_ => Calls(random, ids, owners, threads == 2 ? 5 : 4))];
            IIoasidAllocator Prepare(IIoasidAllocator allocator)
            {
                Array.ForEach(prepared, call => call.Run(allocator));
                return allocator;
            }

            string? refuted = run.Refute(Prepare(new IoasidAllocator()), () => Prepare(new NaiveIoasidAllocator()), calls, State);

            refuted.Should().BeNull($"seed {seed}");
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Calls_beside_restores_and_custom_allocators_are_those_of_one_thread_in_some_order(int threads)
    {
        using var run = new ConcurrentCalls<Replaceable>(threads);
        int rounds = Effort.Rounds(threads == 2 ? 1_000 : 300);
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            Func<Replaceable, string>[] kinds =
            [
                r => r.Restore(),
                r => $"{r.Allocator.Register(r.Custom)}",
                r => $"{r.Allocator.Unregister(r.Custom)}",
                r => $"{r.Allocator.GetStatistics().LiveCount}",
            ];
            string[] names = ["restore", "register", "unregister", "count"];
            ConcurrentCalls<Replaceable>.Call[] Next(int count) =>
            [
                .. Calls(random, [0, 1, 2], owners: 3, count).Select(call =>
                {
                    int kind = random.Next(10);
                    return kind < kinds.Length ? new ConcurrentCalls<Replaceable>.Call(names[kind], kinds[kind]) : new(call.Name, r => call.Run(r.Allocator));
                }),
            ];
            ConcurrentCalls<Replaceable>.Call[] prepared = Next(random.Next(4));
            ConcurrentCalls<Replaceable>.Call[][] calls = [.. Enumerable.Range(0, threads).Select(_ => Next(threads == 2 ? 5 : 3))];
            Replaceable Prepare()
            {
                var replaceable = new Replaceable();
                Array.ForEach(prepared, call => call.Run(replaceable));
                return replaceable;
            }

            string? refuted = run.Refute(Prepare(), Prepare, calls, r => State(r.Allocator));

            refuted.Should().BeNull($"seed {seed}");
        }
    }

    /// <summary>
    /// One thread makes allocators one after the other, and does the same to each, whose readers know what they may be answered:
    /// each of two ids is only ever its owner's, and one of them stays.
    /// </summary>
    [Theory]
    [MemberData(nameof(Growths))]
    public void Lookup_beside_a_page_that_is_replaced_neither_denies_an_owner_nor_lets_another_in(uint length, uint grows)
    {
        int rounds = Effort.Rounds(length > 256 ? 10_000 : 40_000);
        string? wrong = null;
        Host current = new(length, isFirstToGo: true);
        bool isOver = false;
        Thread[] readers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(Read))];
        Array.ForEach(readers, reader => reader.Start());
        for (int round = 0; round < rounds && Volatile.Read(ref wrong) is null; round++)
        {
            var host = new Host(length, isFirstToGo: round % 2 == 0);
            Volatile.Write(ref current, host);
            Thread.SpinWait(round % 64);
            host.Change(grows);
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(readers, reader => reader.Join());

        wrong.Should().BeNull();

        void Read()
        {
            while (!Volatile.Read(ref isOver))
            {
                Host host = Volatile.Read(ref current);
                for (int i = 0; i < 20; i++)
                {
                    if (host.FindWrong() is { } found)
                    {
                        Volatile.Write(ref wrong, found);
                        return;
                    }
                }
            }
        }
    }

    private static Call Take(uint id, IoasidSet owner) =>
        new($"take {id} {owner}", a => a.TryAllocate(new IoasidRange(id, id), owner, $"{owner}'s", out Ioasid got) ? $"{got}" : "none");

    private static Call[] Calls(Random random, uint[] ids, int owners, int count)
    {
        var calls = new Call[count];
        for (int i = 0; i < count; i++)
        {
            var id = new Ioasid(ids[random.Next(ids.Length)]);
            IoasidSet owner = s_owners[random.Next(owners)];
            calls[i] = random.Next(8) switch
            {
                < 3 => Take(id.Value, owner),
                < 5 => new Call($"free {id}", a => $"{a.Free(id)}"),
                _ => new Call($"lookup {id} {owner}", a => $"{a.Lookup(id, owner, out object? found)} {found}"),
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

    /// <summary>An allocator with an id of its first owner and one of another, and a third owner that gets the number of the one who goes.</summary>
    private sealed class Host
    {
        private static readonly IoasidSet s_third = s_owners[2];

        private readonly IoasidAllocator _allocator = new();
        private readonly (Ioasid Id, IoasidSet Owner) _goes;
        private readonly (Ioasid Id, IoasidSet Owner) _stays;

        public Host(uint length, bool isFirstToGo)
        {
            (Ioasid Id, IoasidSet Owner) first = (new Ioasid(0), s_owners[0]);
            (Ioasid Id, IoasidSet Owner) later = (new Ioasid(length - 1), s_owners[1]);
            (_goes, _stays) = isFirstToGo ? (first, later) : (later, first);
            Allocate(first.Id.Value, first.Owner);
            Allocate(later.Id.Value, later.Owner);
        }

        /// <summary>Has the page replaced, ends the ids of one owner, and gives its number to another.</summary>
        public void Change(uint grows)
        {
            Allocate(grows, owner: null);
            _allocator.Free(_goes.Id);
            Allocate(grows + 1, s_third);
        }

        /// <summary>Looks up once what may go and what stays, as each owner.</summary>
        /// <returns>An answer that was true at no moment, or <see langword="null"/>.</returns>
        public string? FindWrong() =>
            FindWrong(_goes.Id, _goes.Owner, PasidStatus.Success, PasidStatus.NotFound)
            ?? FindWrong(_goes.Id, s_third, PasidStatus.AccessDenied, PasidStatus.NotFound)
            ?? FindWrong(_stays.Id, _stays.Owner, PasidStatus.Success, PasidStatus.Success)
            ?? FindWrong(_stays.Id, s_third, PasidStatus.AccessDenied, PasidStatus.AccessDenied);

        private string? FindWrong(Ioasid id, IoasidSet owner, PasidStatus first, PasidStatus last)
        {
            PasidStatus status = _allocator.Lookup(id, owner, predicate: null, out object? data);
            bool isTrue = (status == first || status == last) && ReferenceEquals(data, status == PasidStatus.Success ? owner : null);
            return isTrue ? null : $"{owner} looked {id} up, which is {(id == _goes.Id ? _goes : _stays).Owner}'s: {status} with the data of {data ?? "nobody"}";
        }

        private void Allocate(uint id, IoasidSet? owner) => _allocator.TryAllocate(new IoasidRange(id, id), owner, owner, out _);
    }

    /// <summary>An allocator whose ids a snapshot, and a custom allocator, can take the place of.</summary>
    private sealed class Replaceable : IDisposable
    {
        private readonly SvmBinder _binder;
        private readonly PasidSnapshot _snapshot;
        private readonly PasidSnapshotMap _map = new()
        {
            FindOwner = name => s_owners.First(owner => owner.Name == name),
            NameData = data => $"{data}",
            FindData = name => name,
        };

        public Replaceable()
        {
            Take(0, s_owners[0]).Run(Allocator);
            Take(1, s_owners[1]).Run(Allocator);
            _binder = new SvmBinder(Allocator);
            _snapshot = _binder.CaptureSnapshot(_map);
            Allocator.Free(new Ioasid(0));
            Allocator.Free(new Ioasid(1));
            Take(0, s_owners[1]).Run(Allocator);
        }

        public IoasidAllocator Allocator { get; } = new();

        public CustomIoasidAllocator Custom { get; } = new("custom", new Lowest());

        public string Restore()
        {
            try
            {
                _binder.Restore(_snapshot, _map);
                return "restored";
            }
            catch (InvalidOperationException)
            {
                return "refused";
            }
        }

        public void Dispose() => _binder.Dispose();

        private sealed class Lowest : ICustomIoasidFunctions
        {
            public Ioasid Allocate(IoasidRange range, object? privateData) => new(range.Minimum);

            public void Free(Ioasid id, object? privateData)
            {
            }
        }
    }
}

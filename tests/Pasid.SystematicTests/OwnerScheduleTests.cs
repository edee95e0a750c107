using Pasid.SystematicTests.Support;
using static Pasid.SystematicTests.Support.Allocators;

namespace Pasid.SystematicTests;

/// <summary>
/// Every schedule of lookups by owners, beside what moves the records of the ids or gives the numbers of owners to others, is
/// explained by some order. Such a lookup reads a record and then an owner, and takes no lock.
/// </summary>
public sealed class OwnerScheduleTests
{
    private static readonly IoasidSet s_red = new("red");
    private static readonly IoasidSet s_blue = new("blue");
    private static readonly IoasidSet s_green = new("green");

    /// <summary>How an owner is numbered.</summary>
    public enum Tag
    {
        /// <summary>As the allocator's first owner.</summary>
        First,

        /// <summary>As one that came after the first.</summary>
        Later,

        /// <summary>As nobody, where the first owner is somebody.</summary>
        Nobody,
    }

    /// <summary>How long the first page is, and the id that has it replaced: by a longer one, or from 2,048 on by a directory.</summary>
    public static TheoryData<uint, uint> Growths() => new()
    {
        { 2, 2 }, { 10, 10 }, { 64, 64 }, { 256, 256 }, { 512, 512 }, { 1_024, 1_024 }, { 2_048, 2_048 }, { 2, 2_048 }, { 64, 2_048 },
    };

    /// <summary>Each growth with an id of a later owner; what is short with the other two kinds as well.</summary>
    public static TheoryData<uint, uint, Tag> GrowthsByTag() => new()
    {
        { 2, 2, Tag.Later }, { 10, 10, Tag.Later }, { 64, 64, Tag.Later }, { 256, 256, Tag.Later }, { 512, 512, Tag.Later }, { 1_024, 1_024, Tag.Later }, { 2_048, 2_048, Tag.Later },
        { 2, 2, Tag.First }, { 64, 64, Tag.First }, { 2, 2_048, Tag.First },
        { 2, 2, Tag.Nobody }, { 64, 64, Tag.Nobody }, { 2, 2_048, Tag.Nobody },
    };

    /// <summary>The first of the ids of a page that is made and dropped by itself: near the first page, and in the other two kinds of directory.</summary>
    public static TheoryData<uint> Pages() => [2_048, 1 << 18, 1 << 21];

    /// <summary>How many owners have numbers in an array that is full; at the second the dictionary is made, at the third it is there.</summary>
    public static TheoryData<uint> FullArrays() => [2, 6, 14];

    [Theory]
    [MemberData(nameof(GrowthsByTag))]
    public void A_page_that_is_replaced_before_an_id_changes_hands(uint length, uint grows, Tag tag) =>
        PageIsReplacedBeforeAnIdChangesHands(length, grows, tag).Refute().Should().BeNull();

    [Theory]
    [MemberData(nameof(Growths))]
    public void A_page_that_is_replaced_before_an_owner_goes(uint length, uint grows) =>
        PageIsReplacedBeforeAnOwnerGoes(length, grows).Refute().Should().BeNull();

    [Theory]
    [InlineData(2, 2)]
    [InlineData(64, 64)]
    [InlineData(2, 2_048)]
    [InlineData(64, 2_048)]
    public void A_page_that_is_replaced_while_its_ids_stay(uint length, uint grows) =>
        PageIsReplacedWhileItsIdsStay(length, grows).Refute().Should().BeNull();

    [Fact]
    public void A_page_that_is_replaced_twice_before_an_owner_goes() =>
        Schedules.Refute(
            () => Made((0, s_red), (1, s_blue)),
            State,
            [a => Take(a, 2, null), a => Take(a, 10, null), a => Free(a, 1)],
            [a => Lookup(a, 1, s_blue), a => Lookup(a, 1, s_blue)])
            .Should().BeNull();

    /// <summary>A lookup may meet two who replace the page it holds, and the page after that.</summary>
    [Fact]
    public void A_page_that_is_replaced_by_two_who_allocate() =>
        Schedules.Refute(
            () => Made((0, s_red), (1, s_blue)),
            State,
            [a => Take(a, 10, s_green), a => Free(a, 10)],
            [a => Take(a, 2_048, s_green), a => Free(a, 1)],
            [a => Lookup(a, 1, s_blue), a => Lookup(a, 10, s_green)])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(FullArrays))]
    public void Owners_that_come_and_go_while_their_arrays_grow(uint owners)
    {
        IoasidSet[] sets = [.. Enumerable.Range(0, (int)owners).Select(number => new IoasidSet($"owner {number}"))];
        Schedules.Refute(
            () =>
            {
                IoasidAllocator allocator = Made((0, s_red), (63, s_red));
                for (uint number = 0; number < owners; number++)
                {
                    Take(allocator, number + 1, sets[number]);
                }

                return allocator;
            },
            State,
            [a => Take(a, 62, s_blue), a => Free(a, 1), a => Take(a, 1, s_green)],
            [a => Lookup(a, 1, sets[0]), a => Lookup(a, owners, sets[^1])],
            [a => Lookup(a, 1, s_green), a => Lookup(a, 62, s_blue)])
            .Should().BeNull();
    }

    /// <summary>The number of the owner of one id is given to that of another, and comes back.</summary>
    [Fact]
    public void Two_ids_whose_owners_change_places() =>
        Schedules.Refute(
            () => Made((0, s_red), (1, s_blue), (2, s_green)),
            State,
            [a => Free(a, 1), a => Free(a, 2), a => Take(a, 1, s_green), a => Take(a, 2, s_blue)],
            [a => Lookup(a, 1, s_blue), a => Lookup(a, 2, s_blue)],
            [a => Lookup(a, 1, s_green)])
            .Should().BeNull();

    [Fact]
    public void A_first_owner_that_is_replaced_by_a_later_one_and_comes_back() =>
        Schedules.Refute(
            () => Made((1, s_red), (2, s_blue)),
            State,
            [a => Free(a, 1), a => Take(a, 1, s_green), a => Take(a, 3, s_red)],
            [a => Lookup(a, 1, s_red), a => Lookup(a, 3, s_red)],
            [a => Lookup(a, 1, s_green), a => Lookup(a, 1, null)])
            .Should().BeNull();

    [Fact]
    public void A_directory_that_is_replaced_before_an_id_changes_hands() =>
        Schedules.Refute(
            () => Made((0, s_red), (2_048, s_blue)),
            State,
            [a => Take(a, 4_096, s_red), a => Free(a, 2_048), a => Take(a, 2_048, s_green)],
            [a => Lookup(a, 2_048, s_blue), a => Lookup(a, 4_096, s_red)],
            [a => Lookup(a, 2_048, s_green)])
            .Should().BeNull();

    /// <summary>The page of the first id is taken out once that of the second is empty as well, and made anew for the third owner.</summary>
    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_that_is_taken_out_and_made_anew_for_another_owner(uint first) =>
        Schedules.Refute(
            () => Made((0, s_red), (first, s_blue), (first + 512, s_blue)),
            State,
            [a => Free(a, first), a => Free(a, first + 512), a => Take(a, first, s_green)],
            [a => Lookup(a, first, s_blue), a => Lookup(a, first, null)],
            [a => Lookup(a, first, s_green)])
            .Should().BeNull();

    /// <summary>A page is taken out of a directory of which a lookup may hold the one before.</summary>
    [Fact]
    public void A_page_that_is_taken_out_of_a_directory_that_was_replaced() =>
        Schedules.Refute(
            () => Made((0, s_red), (2_048, s_blue), (2_560, s_green)),
            State,
            [a => Take(a, 4_096, null), a => Free(a, 2_048), a => Free(a, 2_560), a => Take(a, 2_048, s_green)],
            [a => Lookup(a, 2_048, s_blue)],
            [a => Lookup(a, 2_048, s_green)])
            .Should().BeNull();

    [Fact]
    public void A_restore_beside_owners_that_change_hands() =>
        Schedules.Refute(
            () => new Restorable(),
            host => State(host.Allocator),
            [h => h.Restore()],
            [h => Lookup(h.Allocator, 1, s_red), h => Lookup(h.Allocator, 2, s_blue)],
            [h => Free(h.Allocator, 1), h => Take(h.Allocator, 1, s_green)])
            .Should().BeNull();

    [Fact]
    public void A_restore_beside_a_page_that_is_replaced() =>
        Schedules.Refute(
            () => new Restorable(),
            host => State(host.Allocator),
            [h => h.Restore()],
            [h => Lookup(h.Allocator, 2, s_red), h => Lookup(h.Allocator, 2, s_blue)],
            [h => Take(h.Allocator, 10, s_green), h => Free(h.Allocator, 2)])
            .Should().BeNull();

    /// <summary>What else is read, with the gate and without.</summary>
    [Fact]
    public void A_restore_beside_counts_and_references() =>
        Schedules.Refute(
            () => new Restorable(),
            host => State(host.Allocator),
            [h => Free(h.Allocator, 1), h => h.Restore()],
            [h => $"{h.Allocator.LiveCount}", h => Counts(h.Allocator)],
            [h => $"{h.Allocator.TryFindLive(new Ioasid(1), out Ioasid live)} {live}", h => $"{h.Allocator.GetReferenceCount(new Ioasid(1))}"])
            .Should().BeNull();

    [Fact]
    public void A_predicate_is_asked_of_the_data_that_the_owner_has() =>
        Schedules.Refute(
            () => Made((0, s_red), (1, s_blue)),
            State,
            [a => Take(a, 2, null), a => Free(a, 1), a => Take(a, 1, s_green)],
            [a => LookupIf(a, 1, s_blue), a => LookupIf(a, 1, s_green)])
            .Should().BeNull();

    [Fact]
    public void A_custom_allocator_that_comes_and_goes_beside_lookups_by_owners() =>
        Schedules.Refute(
            () => new Customized(registered: 0, ids: []),
            c => State(c.Allocator),
            [c => c.Register(0), c => Take(c.Allocator, 1, s_red), c => c.Unregister(0), c => Take(c.Allocator, 1, s_blue)],
            [c => Lookup(c.Allocator, 1, s_red), c => Lookup(c.Allocator, 1, s_blue)],
            [c => Lookup(c.Allocator, 1, null)])
            .Should().BeNull();

    /// <summary>Each has an id space of its own, with the same id of another owner.</summary>
    [Fact]
    public void A_custom_allocator_that_takes_the_place_of_another_beside_lookups_by_owners() =>
        Schedules.Refute(
            () => new Customized(registered: 2, ids: [(1, s_red)]),
            c => State(c.Allocator),
            [c => c.Unregister(0), c => Take(c.Allocator, 1, s_blue), c => c.Unregister(1)],
            [c => Lookup(c.Allocator, 1, s_red), c => Lookup(c.Allocator, 1, s_blue)],
            [c => $"{c.Allocator.LiveCount}", c => $"{c.Allocator.GetReferenceCount(new Ioasid(1))}"])
            .Should().BeNull();

    [Fact]
    public void A_page_of_a_custom_allocator_that_is_replaced_before_an_id_changes_hands() =>
        Schedules.Refute(
            () => new Customized(registered: 1, ids: [(0, s_red), (1, s_blue)]),
            c => State(c.Allocator),
            [c => Take(c.Allocator, 2, null), c => Free(c.Allocator, 1), c => Take(c.Allocator, 1, s_green)],
            [c => Lookup(c.Allocator, 1, s_blue), c => Lookup(c.Allocator, 1, s_blue)],
            [c => Lookup(c.Allocator, 1, s_green)])
            .Should().BeNull();

    [Fact]
    public void A_custom_allocator_that_goes_after_its_page_was_replaced() =>
        Schedules.Refute(
            () => new Customized(registered: 1, ids: [(0, s_red), (1, s_blue)]),
            c => State(c.Allocator),
            [c => Take(c.Allocator, 2, null), c => c.Unregister(0), c => Take(c.Allocator, 1, s_green)],
            [c => Lookup(c.Allocator, 1, s_blue), c => Lookup(c.Allocator, 1, s_green)],
            [c => Counts(c.Allocator)])
            .Should().BeNull();

    /// <summary>The owner's number is another's at the end; a lookup that compares the record of before with the owners of after lets that one in.</summary>
    internal static Attack PageIsReplacedBeforeAnIdChangesHands(uint length, uint grows, Tag tag)
    {
        uint id = tag == Tag.First ? 0 : length - 1;
        IoasidSet? holder = tag switch
        {
            Tag.First => s_red,
            Tag.Later => s_blue,
            _ => null,
        };
        return Attack.On(
            () => Made((0, s_red), (length - 1, tag == Tag.Nobody ? null : s_blue)),
            State,
            [a => Take(a, grows, null), a => Free(a, id), a => Take(a, id, s_green)],
            [a => Lookup(a, id, holder)],
            [a => Lookup(a, id, s_green)]);
    }

    /// <summary>The owner's number is nobody's at the end, so that it is denied its own id: the shortest way, with the most who may come upon it.</summary>
    internal static Attack PageIsReplacedBeforeAnOwnerGoes(uint length, uint grows) =>
        Attack.On(
            () => Made((0, s_red), (length - 1, s_blue)),
            State,
            [a => Take(a, grows, null), a => Free(a, length - 1)],
            [a => Lookup(a, length - 1, s_blue)],
            [a => Lookup(a, length - 1, s_blue)],
            [a => Lookup(a, length - 1, s_blue)]);

    /// <summary>Nothing explains any answer but that the ids are there.</summary>
    internal static Attack PageIsReplacedWhileItsIdsStay(uint length, uint grows) =>
        Attack.On(
            () => Made((0, s_red), (length - 1, s_blue)),
            State,
            [a => Take(a, grows, null)],
            [a => Lookup(a, length - 1, s_blue), a => Lookup(a, 0, s_red)],
            [a => Lookup(a, length - 1, s_red), a => Lookup(a, 0, s_blue)]);

    private static IoasidAllocator Made(params (uint Id, IoasidSet? Owner)[] ids)
    {
        var allocator = new IoasidAllocator();
        Array.ForEach(ids, id => Take(allocator, id.Id, id.Owner));
        return allocator;
    }

    private static string LookupIf(IoasidAllocator allocator, uint id, IoasidSet owner)
    {
        string asked = "nothing";
        PasidStatus status = allocator.Lookup(
            new Ioasid(id),
            owner,
            data =>
            {
                asked = $"{data}";
                return false;
            },
            out object? data);
        return $"{status} {data} asked of {asked}";
    }

    /// <summary>An allocator whose snapshot has the owners of two ids the other way round.</summary>
    private sealed class Restorable : IDisposable
    {
        private readonly SvmBinder _binder;
        private readonly PasidSnapshot _snapshot;
        private readonly PasidSnapshotMap _map = new()
        {
            FindOwner = name => name == s_red.Name ? s_red : s_blue,
            NameData = data => $"{data}",
            FindData = name => name,
        };

        public Restorable()
        {
            Allocator = Made((1, s_red), (2, s_blue));
            _binder = new SvmBinder(Allocator, new PasidOptions { PasidLimit = 4 });
            _snapshot = _binder.CaptureSnapshot(_map);
            Free(Allocator, 1);
            Free(Allocator, 2);
            Take(Allocator, 1, s_blue);
            Take(Allocator, 2, s_red);
        }

        public IoasidAllocator Allocator { get; }

        public string Restore()
        {
            _binder.Restore(_snapshot, _map);
            return "restored";
        }

        public void Dispose() => _binder.Dispose();
    }

    /// <summary>An allocator and two custom ones, each with functions of its own.</summary>
    private sealed class Customized
    {
        private readonly CustomIoasidAllocator[] _customs = [new("custom 0", new Chooser()), new("custom 1", new Chooser())];

        public Customized(int registered, params (uint Id, IoasidSet? Owner)[] ids)
        {
            for (int i = 0; i < registered; i++)
            {
                Register(i);
            }

            Array.ForEach(ids, id => Take(Allocator, id.Id, id.Owner));
        }

        public IoasidAllocator Allocator { get; } = new();

        public string Register(int custom) => $"{Allocator.Register(_customs[custom])}";

        public string Unregister(int custom) => $"{Allocator.Unregister(_customs[custom])}";
    }
}

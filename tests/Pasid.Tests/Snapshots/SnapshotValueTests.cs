using System.Collections;
using System.Reflection;
using System.Text.Json;
using Pasid.Internal;
using Pasid.Tests.Support;
using static Pasid.Tests.Support.SnapshotEdit;

namespace Pasid.Tests.Snapshots;

/// <summary>A snapshot as a value: what is equal, where two differ, and what it says of itself.</summary>
public sealed class SnapshotValueTests
{
    /// <summary>One of everything.</summary>
    private static SnapshotFile Full => Empty with
    {
        LiveCount = 1,
        BindingCount = 1,
        Owners = ["owner"],
        Ids = [new IdEntry(5, 2, Owner: 0, Binding: 0, HasStaleBinding: true, Data: "data")],
        AddressSpaces = [new AddressSpaceEntry("process", 5, true, 3, 2, 1, [new ThreadEntry("thread", 7)], [new PortalEntry(4096, "portal")])],
        Bindings = [new BindingEntry(5, 0, SvmBindFlags.Private, "devA", [new DeviceEntry("devA", 2, "callbacks")])],
        LeakedPasids = [8],
        NextId = 6,
        HeldBackIds = [9],
        Queues = [new QueueEntry([new RequestEntry("devA", 5, 4096, PageRequestRights.Read, 1, true, "77")], true, "iommu0", 3, true, true)],
    };

    /// <summary>Each property of each record, by the path that leads to it.</summary>
    public static TheoryData<string> Paths()
    {
        var paths = new TheoryData<string>();
        foreach ((string path, _, _) in Variations(Full))
        {
            paths.Add(path);
        }

        return paths;
    }

    [Fact]
    public void Every_property_of_the_format_is_varied()
    {
        int properties = Records.Sum(type => PropertiesOf(type).Count());

        Paths().Should().HaveCount(properties);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_difference_is_found_wherever_it_is_and_told_with_both_values(string path)
    {
        (_, object varied, string[] told) = Variations(Full).Single(variation => variation.Path == path);
        PasidSnapshot one = new(Full);
        PasidSnapshot other = new((SnapshotFile)varied);

        string? difference = PasidSnapshot.FindDifference(one, other);

        difference.Should().ContainAll(path.Split('.')).And.ContainAll(told).And.EndWith("in the second");
        PasidSnapshot.FindDifference(other, one).Should().ContainAll(told);
        one.Equals(other).Should().BeFalse();
        (one == other).Should().BeFalse();
        (one != other).Should().BeTrue();
        Text(one).Should().NotBe(Text(other));
    }

    [Fact]
    public void Equal_snapshots_have_no_difference_the_same_hash_and_the_same_bytes()
    {
        PasidSnapshot one = new(Full);
        PasidSnapshot other = Copy(one);

        one.Equals(other).Should().BeTrue();
        one.Equals((object)other).Should().BeTrue();
        (one == other).Should().BeTrue();
        (one != other).Should().BeFalse();
        PasidSnapshot.FindDifference(one, other).Should().BeNull();
        other.GetHashCode().Should().Be(one.GetHashCode());
        Text(other).Should().Be(Text(one));
        other.ToString().Should().Be(one.ToString());
    }

    [Fact]
    public void Nothing_is_equal_to_nothing_alone()
    {
        PasidSnapshot one = new(Full);
        PasidSnapshot? none = null;

        (none == null).Should().BeTrue();
        (none != one).Should().BeTrue();
        (one == none).Should().BeFalse();
        one.Equals(none).Should().BeFalse();
        one.Equals((object)"snapshot").Should().BeFalse();
        PasidSnapshot.FindDifference(null, null).Should().BeNull();
        PasidSnapshot.FindDifference(one, null).Should().Be($"the first is {one}, and the second is none");
        PasidSnapshot.FindDifference(null, one).Should().Be($"the first is none, and the second is {one}");
    }

    [Fact]
    public void Snapshots_of_which_lists_are_missing_are_compared_and_shown_too()
    {
        PasidSnapshot bare = Load("""{"formatVersion":2}""");
        PasidSnapshot holes = Load("""{"formatVersion":2,"owners":[null],"ids":[null],"addressSpaces":[null],"bindings":[null,{}],"queues":[null,{}]}""");

        bare.Should().Be(Load("""{"formatVersion":2}""")).And.NotBe(new PasidSnapshot(Empty));
        holes.Should().Be(Copy(holes)).And.NotBe(bare);
        PasidSnapshot.FindDifference(bare, holes).Should().Be("owners is null in the first and [null] in the second");
        (bare.LiveCount, bare.AddressSpaceCount, bare.BindingCount, bare.LeakedCount, bare.PageRequestCount).Should().Be((0, 0, 0, 0, 0));
        (holes.LiveCount, holes.AddressSpaceCount, holes.BindingCount, holes.LeakedCount, holes.PageRequestCount).Should().Be((1, 1, 2, 0, 0));
        bare.ToString().Should().StartWith("0 ids, 0 address spaces, 0 bindings");
        holes.ToString().Should().StartWith("1 ids (null), 1 address spaces (null), 2 bindings (null, ");
    }

    [Fact]
    public void The_entry_that_only_one_has_is_told()
    {
        SnapshotFile two = Full with { LiveCount = 2, Ids = [.. Full.Ids, new IdEntry(9, 1)] };

        PasidSnapshot.FindDifference(new(Full), new(two)).Should().Be("ids[1] is missing in the first and {\"id\":9,\"references\":1} in the second");
        PasidSnapshot.FindDifference(new(two), new(Full)).Should().Be("ids[1] is {\"id\":9,\"references\":1} in the first and missing in the second");
    }

    [Fact]
    public void A_difference_deep_inside_says_whose_it_is()
    {
        SnapshotFile other = Full with { AddressSpaces = [Full.AddressSpaces[0] with { Threads = [new ThreadEntry("thread", 8)] }] };

        PasidSnapshot.FindDifference(new(Full), new(other))
            .Should().Be("addressSpaces[0] (name \"process\"): threads[0] (name \"thread\"): msr is 7 in the first and 8 in the second");
    }

    [Fact]
    public void A_long_value_is_told_by_its_begin()
    {
        SnapshotFile other = Full with { Owners = [new string('o', 100_000)] };

        PasidSnapshot.FindDifference(new(Full), new(other)).Should().StartWith("owners[0] is \"owner\" in the first and \"ooo").And.Match(text => text.Length < 400);
    }

    [Fact]
    public void The_text_of_a_snapshot_is_one_short_line_that_names_what_there_is()
    {
        new PasidSnapshot(Full).ToString().Should().Be(
            "1 ids (5), 1 address spaces (process 5), 1 bindings (5 of 1 devices), 1 leaked (8), 1 queues (1 requests), lifetime AddressSpace, quirks None");
        PasidSnapshot large = new(Full with
        {
            Ids = [.. Enumerable.Range(1, 100_000).Select(id => new IdEntry((uint)id, 1))],
            AddressSpaces = [.. Enumerable.Repeat(new AddressSpaceEntry("idle"), 50), .. Enumerable.Repeat(new AddressSpaceEntry("process", 5), 50)],
        });
        large.ToString().Should().StartWith("100000 ids (1, 2, 3, 4, 5, 6, 7, 8, ...), 100 address spaces (idle, idle,").And.Match(text => text.Length < 400);
    }

    [Fact]
    public void A_failed_assertion_shows_both_snapshots()
    {
        PasidSnapshot one = new(Full);
        PasidSnapshot other = new(Empty);

        FluentActions.Invoking(() => one.Should().Be(other)).Should().Throw<Xunit.Sdk.XunitException>().WithMessage($"*{other}*{one}*");
    }

    [Fact]
    public void Counts_are_those_of_the_host()
    {
        using var host = new Host(KernelProfile.Seed);
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);
        host.Bind(host.DeviceA, process, 3, SvmBindFlags.Private);
        host.Unbind(host.DeviceA, 3);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA });
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA });

        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();

        (snapshot.LiveCount, snapshot.AddressSpaceCount, snapshot.BindingCount, snapshot.LeakedCount, snapshot.PageRequestCount).Should().Be((3, 1, 2, 1, 2));
        (snapshot.Version, snapshot.Lifetime, snapshot.Quirks).Should().Be((2, PasidLifetime.AddressSpace, KernelProfile.Seed.Quirks));
    }

    /// <summary>Copies of a record with one property changed each, at any depth, with the two values as a file has them.</summary>
    private static IEnumerable<(string Path, object Varied, string[] Told)> Variations(object record)
    {
        foreach (PropertyInfo property in PropertiesOf(record.GetType()))
        {
            string name = KeyOf(property);
            object value = property.GetValue(record)!;
            if (value is not string && value is IEnumerable list && list.Cast<object>().Single() is { } item && Records.Contains(item.GetType()))
            {
                var none = Array.CreateInstance(item.GetType(), 0);
                yield return (name, Change(record, property, none), [$"{name}[0]", "missing"]);
                foreach ((string path, object varied, string[] told) in Variations(item))
                {
                    var one = Array.CreateInstance(item.GetType(), 1);
                    one.SetValue(varied, 0);
                    yield return ($"{name}[0].{path}", Change(record, property, one), told);
                }
            }
            else
            {
                (object other, string[] told) = Vary(value);
                yield return (name, Change(record, property, other), told);
            }
        }
    }

    private static (object Other, string[] Told) Vary(object value) => value switch
    {
        string text => (text + "2", [$"\"{text}\"", $"\"{text}2\""]),
        bool isSet => (!isSet, ["true", "false"]),
        int number => (number + 1, [$"{number}", $"{number + 1}"]),
        long number => (number + 1, [$"{number}", $"{number + 1}"]),
        uint number => (number + 1, [$"{number}", $"{number + 1}"]),
        ulong number => (number + 1, [$"{number}", $"{number + 1}"]),
        IReadOnlyList<uint> numbers => (new[] { numbers[0] + 1 }, [$"{numbers[0]}", $"{numbers[0] + 1}"]),
        IReadOnlyList<string> texts => (new[] { texts[0] + "2" }, [$"\"{texts[0]}\"", $"\"{texts[0]}2\""]),
        Enum member when Enum.GetValues(member.GetType()).Cast<Enum>().First(other => !other.Equals(member)) is var other => (other, [$"\"{member}\"", $"\"{other}\""]),
        _ => throw new NotSupportedException($"{value.GetType()}"),
    };

    private static object Change(object record, PropertyInfo property, object value)
    {
        object copy = record.GetType().GetMethod("<Clone>$")!.Invoke(record, null)!;
        property.SetValue(copy, value);
        return copy;
    }
}

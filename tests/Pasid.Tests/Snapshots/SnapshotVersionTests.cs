using System.Reflection;
using System.Text;
using Pasid.Internal;
using Pasid.Tests.Support;
using static Pasid.Tests.Support.SnapshotEdit;

namespace Pasid.Tests.Snapshots;

/// <summary>Files of both versions of the format.</summary>
public sealed class SnapshotVersionTests
{
    /// <summary>Each key of version 1 that version 2 has renamed, where it belongs, and under its new name.</summary>
    private static readonly (string First, string Second)[] s_renamed =
    [
        ("""{"formatVersion":1,"heldIds":[4]}""", """{"formatVersion":2,"heldBackIds":[4]}"""),
        ("""{"formatVersion":1,"ids":[{"id":4,"isStale":true}]}""", """{"formatVersion":2,"ids":[{"id":4,"hasStaleBinding":true}]}"""),
        ("""{"formatVersion":1,"addressSpaces":[{"hasExited":true,"name":"P"}]}""", """{"formatVersion":2,"addressSpaces":[{"hasLeft":true,"name":"P"}]}"""),
        ("""{"formatVersion":1,"addressSpaces":[{"name":"P","guests":3,"leakedUsers":2}]}""", """{"formatVersion":2,"addressSpaces":[{"name":"P","extraUsers":3,"leakedUsers":2}]}"""),
        ("""{"formatVersion":1,"bindings":[{"devices":[{"users":7,"device":"d"}]}]}""", """{"formatVersion":2,"bindings":[{"devices":[{"binds":7,"device":"d"}]}]}"""),
    ];

    public static TheoryData<string, string> Renamed()
    {
        var renamed = new TheoryData<string, string>();
        foreach ((string first, string second) in s_renamed)
        {
            renamed.Add(first, second);
        }

        return renamed;
    }

    public static TheoryData<string, string> Foreign()
    {
        var foreign = new TheoryData<string, string>();
        foreach ((string first, string second) in s_renamed)
        {
            foreach ((string json, string key) in new[] { (first.Replace(":1,", ":2,", StringComparison.Ordinal), KeyIn(first, second)), (second.Replace(":2,", ":1,", StringComparison.Ordinal), KeyIn(second, first)) })
            {
                foreign.Add(json, key);
                foreign.Add(json.Replace($"\"{key}\"", $"\"\\u{(int)key[0]:x4}{key[1..]}\"", StringComparison.Ordinal), key);
                foreign.Add($$"""{{{json[19..^1]}},{{json[1..18]}}}""", key);
            }
        }

        return foreign;
    }

    [Theory]
    [MemberData(nameof(Renamed))]
    public void A_key_that_was_renamed_is_read_in_a_file_of_version_1_and_saved_under_its_new_name(string first, string second)
    {
        PasidSnapshot snapshot = Load(first);

        snapshot.Version.Should().Be(PasidSnapshot.CurrentVersion);
        snapshot.ShouldEqual(Load(second));
        Text(snapshot).Should().StartWith("{\"formatVersion\":2,").And.Contain($"\"{KeyIn(second, first)}\":").And.NotContain($"\"{KeyIn(first, second)}\":");
        Load($$"""{{{first[19..^1]}},{{first[1..18]}}}""").ShouldEqual(snapshot, "the order of keys says nothing");
    }

    [Theory]
    [MemberData(nameof(Foreign))]
    public void A_key_of_the_other_version_is_refused_wherever_the_version_stands(string json, string key) =>
        FluentActions.Invoking(() => Load(json)).Should().Throw<FormatException>().WithMessage($"*the key '{key}', which version ? of the format does not have*");

    [Fact]
    public void A_file_with_the_old_and_the_new_name_of_a_key_is_of_no_version()
    {
        foreach (int version in new[] { 1, 2 })
        {
            FluentActions.Invoking(() => Load($$"""{"formatVersion":{{version}},"addressSpaces":[{"name":"P","hasExited":true},{"name":"Q","hasLeft":true}]}"""))
                .Should().Throw<FormatException>().WithMessage($"*which version {version} of the format does not have*");
        }
    }

    [Fact]
    public void A_key_in_an_object_to_which_it_does_not_belong_is_refused_in_both_versions()
    {
        foreach (string json in new[] { """{"formatVersion":1,"guests":1}""", """{"formatVersion":1,"ids":[{"users":1}]}""", """{"formatVersion":2,"binds":1}""", """{"formatVersion":2,"ids":[{"hasLeft":true}]}""" })
        {
            FluentActions.Invoking(() => Load(json)).Should().Throw<FormatException>().WithMessage("*no snapshot*");
        }
    }

    [Fact]
    public void The_names_of_keys_in_text_are_text() =>
        Load("""{"formatVersion":2,"owners":["hasExited","\"guests\":1"],"ids":[{"id":1,"data":"isStale"}]}""").LiveCount.Should().Be(1);

    /// <summary>Whoever renames one more has it in the tests above.</summary>
    [Fact]
    public void Every_key_that_is_only_read_is_one_that_was_renamed() =>
        Records.SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Except(PropertiesOf(type))).Select(KeyOf)
            .Should().BeEquivalentTo(s_renamed.Select(keys => KeyIn(keys.First, keys.Second)));

    [Fact]
    public void The_golden_files_of_both_versions_are_one_snapshot_and_restore_equal_hosts()
    {
        string[] files = [.. Enumerable.Range(1, 2).Select(version => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Snapshots", $"snapshot-v{version}.json")).TrimEnd())];
        PasidSnapshot[] snapshots = Array.ConvertAll(files, Load);
        string[] states = Array.ConvertAll(snapshots, snapshot =>
        {
            using var host = new Host(KernelProfile.Seed, pasidLimit: 12);
            var walk = new RandomWalk(host, 0);
            PasidSnapshotMap map = new()
            {
                NameData = data => (string)data,
                FindData = name => name,
                FindDevice = name => walk.Devices.First(device => device.Name == name),
                FindCallbacks = _ => new Named(),
            };
            host.Binder.Restore(snapshot, map);
            host.Binder.CaptureSnapshot(map).ShouldEqual(snapshots[1]);
            return host.State();
        });

        // A file of version 1 knows nothing of the quirks that came later.
        snapshots[0].Quirks.Should().Be(KernelProfile.Seed.Quirks & KernelProfile.StateQuirks);
        snapshots[0] = snapshots[0].With(file => file with { Quirks = KernelProfile.Seed.Quirks });
        snapshots[0].ShouldEqual(snapshots[1]);
        Array.ConvertAll(snapshots, Text).Should().AllBe(files[1]);
        states[0].Should().Be(states[1]);
        files[0].Should().Contain("\"hasExited\":true").And.Contain("\"users\":1");
    }

    /// <summary>The first key of one that the other does not have.</summary>
    private static string KeyIn(string json, string other) =>
        json.Split('"').First(part => part.Length != 0 && char.IsAsciiLetter(part[0]) && !other.Contains($"\"{part}\"", StringComparison.Ordinal));

    private sealed class Named : ISvmDeviceCallbacks
    {
        public string Name => "callbacks";
    }
}

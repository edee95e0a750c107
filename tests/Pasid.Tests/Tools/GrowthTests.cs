using Pasid.Tests.Support;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Tools;

/// <summary>A file that is twice as long takes twice the work, whatever its steps ask for; counted in bytes, which do not vary as time does.</summary>
public sealed class GrowthTests
{
    private const string Allocate = """{"op":"alloc","set":null,"min":0,"max":4294967294,"data":null}""";
    private const string Bind = """{"op":"bind","dev":"d","mm":"m","want_pasid":true,"flags":1,"ops":null,"fail":null}""";

    private const string Binder = """{"vectors":"svm","version":1,"topology":{"pasid_max_id":1048576,"dmar_disabled":false,"iommus":[{"name":"i","supervisor":true}],"devices":[{"name":"d","iommu":"i","pci":true,"max_pasids":1048576,"pasid_supported":true,"enable_pasid":0,"sid":1,"ats":false}],"mms":["m"]}}""";
    private const string Allocator = """{"vectors":"ioasid","version":1}""";

    [Theory]
    [InlineData(Allocator, Allocate, """{"op":"live"}""")]
    [InlineData(Allocator, Allocate, """{"op":"live","ret":[0]}""")]
    [InlineData(Allocator, Allocate, """{"op":"live","ret":[]}""")]
    [InlineData(Binder, Bind, """{"op":"is_valid","dev":"d","pasid":1}""")]
    [InlineData(Binder, Bind, """{"op":"is_valid","dev":"d","pasid":1,"state":{"mm_pasid":{"m":0},"live":[1],"svms":[]}}""")]
    [InlineData(Binder, """{"op":"fork","mm":"m","child":"NEW"}""", """{"op":"is_valid","dev":"d","pasid":1,"users":{}}""")]
    [InlineData(Binder, """{"op":"fork","mm":"m","child":"NEW"}""", """{"op":"is_valid","dev":"d","pasid":1,"state":{"mm_pasid":{},"live":[],"svms":[]}}""")]
    [InlineData(Binder, """{"op":"thread","mm":"m","thread":"NEW"}""", """{"op":"is_valid","dev":"d","pasid":1,"msrs":{}}""")]
    [InlineData(Binder, """{"op":"map_region","mm":"m","start":"0xNEW000","length":1,"rights":"r"}""", """{"op":"map_region","mm":"m","start":"0x1000","length":1,"rights":"r"}""")]
    public void Run_of_a_file_of_twice_the_length_takes_twice_the_bytes(string header, string grow, string ask)
    {
        const int Steps = 3_000;
        Run(header, grow, ask, 10);

        (long once, int shown) = Run(header, grow, ask, Steps);
        (long twice, int shownTwice) = Run(header, grow, ask, 2 * Steps);

        ((double)twice / once).Should().BeLessThan(2.5);
        ((double)shownTwice / shown).Should().BeLessThan(2.5);
    }

    [Fact]
    public void A_list_of_ids_that_is_long_is_shown_in_part_and_compared_as_a_whole()
    {
        using var folder = new TemporaryFolder();
        string all = string.Join(',', Enumerable.Range(0, 400));
        string path = folder.Write(
            "live.jsonl",
            [Allocator, .. Enumerable.Repeat(Allocate, 400), """{"op":"live"}""", $$"""{"op":"live","ret":[{{all}}]}""", $$"""{"op":"live","ret":[{{all}},400]}""", """{"op":"live","ret":[0,1]}"""]);

        ToolRun run = ToolRun.Of("run", path);

        string[] live = [.. run.Lines.Where(line => line.Contains("live   ", StringComparison.Ordinal))];
        live.Should().HaveCount(4).And.OnlyContain(line => line.Contains("[0,1,2,", StringComparison.Ordinal) && line.EndsWith(",…", StringComparison.Ordinal) && line.Length < 400);
        run.Lines.Should().Contain($"        ret: expected [{all},400], came [{all}]");
        run.Lines.Should().ContainSingle(line => line.StartsWith("        ret: expected [0,1], came [0,1,2,3,", StringComparison.Ordinal));
        run.Lines[^1].Should().Be("2 steps were not answered as the scenario expects.");
    }

    [Fact]
    public void Is_tells_names_apart_that_are_longer_as_bytes_than_as_characters()
    {
        KeyValuePair<string, long>[] values = [new("漢字", 1), new("é", 2)];
        var answer = new Answer("users", limit => Canonical.NumbersByName(values, limit));

        answer.Is("""{"漢字":1,"é":2}""").Should().BeTrue();
        answer.Is("""{"漢字":1}""").Should().BeFalse();
        answer.Is("""{"漢字":1,"é":2,"x":3}""").Should().BeFalse();
        answer.Is(string.Empty).Should().BeFalse();
        answer.Begin(3).Should().EndWith("…");
    }

    private static (long Bytes, int Shown) Run(string header, string grow, string ask, int steps)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "growth.jsonl",
            [header, .. Enumerable.Range(1, steps).Select(i => grow.Replace("NEW", $"{0x100000 + i:x}", StringComparison.Ordinal)), .. Enumerable.Repeat(ask, steps)]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ToolRun run = ToolRun.Of("run", path);
        run.ExitCode.Should().BeInRange(0, 1, run.Error);
        return (GC.GetAllocatedBytesForCurrentThread() - before, run.Output.Length);
    }
}

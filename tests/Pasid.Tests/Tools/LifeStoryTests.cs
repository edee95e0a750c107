using Pasid.Tests.Support;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Tools;

/// <summary>The whole life of two processes, each step with what the documents say it has to answer.</summary>
public sealed class LifeStoryTests
{
    private static readonly string s_path = Path.Combine(AppContext.BaseDirectory, "Scenarios", "life-story.jsonl");

    [Fact]
    public void Every_step_of_the_story_is_answered_as_it_says()
    {
        Scenario scenario = ScenarioReader.ReadScenario(s_path, profile: null);
        using IReplay replay = Replays.Create(scenario);
        foreach (Step step in scenario.Steps)
        {
            Replays.FindDifference(step, replay.Apply(step)).Should().BeNull($"line {step.Info.Line}");
            ((BinderReplay)replay).Binder.CheckIntegrity().Should().BeEmpty();
        }

        scenario.Steps.Should().HaveCount(46);
        scenario.Steps.Sum(step => step.Info.Expected.Count).Should().BeGreaterThan(80, "a story that expects nothing tells nothing");
    }

    [Fact]
    public void The_tool_plays_the_story()
    {
        ToolRun run = ToolRun.Of("run", s_path);

        run.ExitCode.Should().Be(0);
        run.Output.Should().Contain("accepted (pasid=1 priv=0), after the PASID was loaded").And.Contain("Nothing leaked.");
    }

    [Theory]
    [InlineData("\"ret\":\"retry\"", "\"ret\":\"accepted\"", "ret")]
    [InlineData("\"fixed_up\":true", "\"fixed_up\":false", "fixed_up")]
    [InlineData("\"command\":\"pasid=7 priv=1\"", "\"command\":\"pasid=7 priv=0\"", "command")]
    [InlineData("group=6 code=1", "group=6 code=0", "responses")]
    [InlineData("rwxp=4 result=1", "rwxp=4 result=0", "callbacks")]
    [InlineData("\"web\":2,\"job\":1}", "\"web\":3,\"job\":1}", "users")]
    [InlineData("\"w1\":2147483649", "\"w1\":2147483650", "msrs")]
    public void A_story_that_expects_something_else_is_found_out(string truth, string lie, string key)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("lie.jsonl", System.Text.Encoding.UTF8.GetBytes(File.ReadAllText(s_path).Replace(truth, lie, StringComparison.Ordinal)));

        ToolRun run = ToolRun.Of("run", path);

        run.ExitCode.Should().Be(1);
        run.Output.Should().Contain($"{key}: expected");
    }

    [Theory]
    [InlineData("""{"op":"thread","mm":"nobody","thread":"t"}""", "the mm 'nobody' is unknown")]
    [InlineData("""{"op":"thread_exit","thread":"t"}""", "the thread 't' is unknown")]
    [InlineData("""{"op":"map_portal","mm":"web","wq":"none","address":"0x1000"}""", "the work queue 'none' is unknown")]
    [InlineData("""{"op":"map_portal","mm":"web","wq":"shared","address":"0x1001"}""", "multiples of 4096")]
    [InlineData("""{"op":"map_portal","mm":"web","wq":"shared","address":"4096"}""", "must be an address such as")]
    [InlineData("""{"op":"map_region","mm":"web","start":"0xffffffffffffffff","length":2,"rights":"r"}""", "ends within 64 bits")]
    [InlineData("""{"op":"map_region","mm":"web","start":"0x1000","length":2,"rights":"q"}""", "made of r, w, x and p")]
    [InlineData("""{"op":"page_request","dev":"dsa0","pasid":-1,"address":"0x1000","rights":"r"}""", "'pasid' of the step")]
    [InlineData("""{"op":"fork","mm":"web","child":"web"}""", "the mm 'web' is there already")]
    [InlineData("""{"op":"fork","mm":"web","child":"c","fail":"x"}""", "must be copy")]
    [InlineData("""{"op":"restore"}""", "there is no snapshot")]
    public void A_step_that_makes_no_sense_is_refused_in_one_line(string step, string reason)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("wrong.jsonl", System.Text.Encoding.UTF8.GetBytes(File.ReadLines(s_path).First() + "\n" + step + "\n"));

        ToolRun run = ToolRun.Of("run", path);

        run.ExitCode.Should().Be(2);
        run.Error.Trim().Split('\n').Should().ContainSingle().Which.Should().Contain(reason).And.Contain("wrong.jsonl:2");
    }
}

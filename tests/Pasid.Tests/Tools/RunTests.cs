using Pasid.Tests.Recordings;
using Pasid.Tests.Support;

namespace Pasid.Tests.Tools;

public sealed class RunTests
{
    [Fact]
    public void Run_without_a_file_tells_the_seeds_story()
    {
        ToolRun run = ToolRun.Of("run");

        run.ExitCode.Should().Be(0);
        run.Error.Should().BeEmpty();
        run.Lines[0].Should().Be("The life of a PASID (profile default, 15 steps)");
        Outcomes(run).Should().Equal(
            "bind editor to dsa0: PASID 1",
            "bind editor to gpu0: PASID 1",
            "bind editor to gpu0: PASID 1",
            "bind solver to dsa0: PASID 2",
            "bind solver to dsa0 (Private): PASID 3",
            "bind solver to nic0: NoSpace (-28)",
            "bind editor to nic0: PASID 1",
            "unbind 3 from dsa0: ok",
            "unbind 2 from dsa0: ok",
            "is 2 valid for dsa0?: InvalidArgument (-22)",
            "bind solver to gpu0: PASID 2",
            "exit solver: done",
            "is 2 valid for gpu0?: no, its address space has exited",
            "unbind 2 from gpu0: ok",
            "unbind 1 from gpu0: ok");
        run.Output.Should().Contain("│ 1     │ editor        │ None  │ nic0 (1), gpu0 (1), dsa0 (1) │");
        run.Lines[^1].Should().Be("Nothing leaked.");
    }

    [Fact]
    public void No_command_does_what_run_does() => ToolRun.Of().Should().Be(ToolRun.Of("run"));

    [Fact]
    public void Run_under_the_seed_shows_what_leaked()
    {
        ToolRun run = ToolRun.Of("run", "--profile", "seed");

        run.ExitCode.Should().Be(0);
        run.Lines[^1].Should().Be("Leaked PASIDs, which this kernel never frees: 3.");
        run.Output.Should().Contain("│ 3     │ nobody        │ leaked │ none                         │");
    }

    [Fact]
    public void Run_under_linux56_gives_a_new_pasid_after_the_last_unbind()
    {
        ToolRun run = ToolRun.Of("run", "--profile", "v5.6");

        Outcomes(run).Should().HaveElementAt(9, "is 2 valid for dsa0?: NotFound (-2)");
        run.Lines[^1].Should().Be("Nothing leaked.");
    }

    [Fact]
    public void Run_takes_the_kernel_that_the_file_names_and_checks_the_answers_that_it_holds()
    {
        ToolRun recorded = ToolRun.Of("run", Vectors.PathOf("svm-patched-narrow.jsonl"));
        ToolRun other = ToolRun.Of("run", Vectors.PathOf("svm-patched-narrow.jsonl"), "--profile", "default");

        recorded.ExitCode.Should().Be(0);
        recorded.Lines[0].Should().Be("narrow (profile seed, 363 steps)");
        other.ExitCode.Should().Be(1);
        other.Lines[^1].Should().EndWith("steps were not answered as the scenario expects.");
    }

    [Fact]
    public void Run_shows_an_allocator_scenario_with_its_live_ids()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "ids.jsonl",
            """{"vectors":"ioasid","version":1}""",
            """{"op":"alloc","set":"red","min":5,"max":7,"data":"[first]","note":"An [odd] name"}""",
            """{"op":"get","id":5}""",
            """{"op":"alloc","set":null,"min":7,"max":5,"data":null}""",
            """{"op":"find","set":"blue","id":5,"getter":null}""",
            """{"op":"set_data","id":6,"data":null,"ret":-2}""",
            """{"op":"put","id":5}""",
            """{"op":"live","ret":[5]}""");

        ToolRun run = ToolRun.Of("run", path);

        run.ExitCode.Should().Be(0);
        run.Lines[0].Should().Be("ids (kernel v5.6, 7 steps)");
        run.Lines.Should().Contain("An [odd] name");
        Outcomes(run).Should().Equal(
            "alloc 5..7 in red with [first]: 5",
            "get 5: ok",
            "alloc 7..5: none free",
            """find 5 in blue: {"errno":-13}""",
            "set_data 6 null: NotFound (-2)",
            "put 5: false",
            "live: [5]");
        run.Output.Should().Contain("│ 5  │ [first] │ 1          │");
        run.Lines[^1].Should().Be("1 ids are live.");
    }

    [Fact]
    public void Run_of_a_step_that_is_answered_otherwise_shows_both_and_exits_with_one()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "wrong.jsonl",
            """{"vectors":"ioasid","version":1}""",
            """{"op":"alloc","set":null,"min":5,"max":7,"data":null,"ret":6}""");

        ToolRun run = ToolRun.Of("run", path);

        run.ExitCode.Should().Be(1);
        run.Lines.Should().Contain("        ret: expected 6, came 5");
        run.Lines[^1].Should().Be("1 steps were not answered as the scenario expects.");
    }

    [Fact]
    public void Run_of_a_malformed_or_missing_file_exits_with_two_and_one_line()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("bad.jsonl", """{"vectors":"svm","version":1}""");

        ToolRun malformed = ToolRun.Of("run", path);
        ToolRun missing = ToolRun.Of("run", Path.Combine(folder.Path, "none.jsonl"));

        malformed.ExitCode.Should().Be(2);
        malformed.ErrorLines.Should().Equal($"pasid: {path}:1: the header lacks the key 'topology'");
        missing.ExitCode.Should().Be(2);
        missing.ErrorLines.Should().ContainSingle().Which.Should().Contain("none.jsonl: cannot be read: ");
    }

    [Theory]
    [InlineData("--profile", "v9")]
    [InlineData("--speed")]
    [InlineData("a.jsonl", "b.jsonl")]
    public void A_wrong_command_line_exits_with_two(params string[] args)
    {
        ToolRun run = ToolRun.Of(["run", .. args]);

        run.ExitCode.Should().Be(2);
        run.Output.Should().BeEmpty();
        run.ErrorLines[^1].Should().Be("pasid: see 'pasid --help'");
    }

    [Fact]
    public void Help_names_the_commands()
    {
        ToolRun run = ToolRun.Of("--help");

        run.ExitCode.Should().Be(0);
        run.Output.Should().Contain("verify <PATH>").And.Contain("run <FILE>");
    }

    /// <summary>The numbered lines, as <c>what: outcome</c>.</summary>
    private static IEnumerable<string> Outcomes(ToolRun run) =>
        from line in run.Lines
        where line.Length > 6 && char.IsDigit(line[3]) && line[4] == ' '
        let text = line[6..]
        let gap = text.LastIndexOf("  ", StringComparison.Ordinal)
        select $"{text[..gap].TrimEnd()}: {text[(gap + 2)..].Trim()}";
}

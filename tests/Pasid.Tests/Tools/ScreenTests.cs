using System.Globalization;
using System.Text;
using Pasid.Tests.Support;
using Pasid.Tool.Commands;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;
using Spectre.Console;

namespace Pasid.Tests.Tools;

/// <summary>What comes from a file or the command line is shown as text, and never says anything in the tool's name.</summary>
public sealed class ScreenTests
{
    private const string Header = """{"vectors":"svm","version":1,"kernel":"patched","name":"NAME","topology":{"pasid_max_id":16,"dmar_disabled":false,"iommus":[{"name":"NAME","supervisor":true}],"devices":[{"name":"NAME","iommu":"NAME","pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":0,"sid":1,"ats":false}],"mms":["NAME"]}}""";

    /// <summary>Escape sequences, line ends, changes of direction and markup, as JSON has them.</summary>
    private const string Name = """\u001b[2J\u001b]0;title\u0007\u009b31m[red]x[/]\r\nNothing leaked.\n\u2028\u2029\u0085\u202e\u2066\u200f\ufeff\u0000\u007f\udb40\udc41""";

    /// <summary>The same as it is to be shown; what JSON escaped that can be shown is gone.</summary>
    private const string Shown = """\u001b[2J\u001b]0;title\u0007\u009b31m[red]x[/]\u000d\u000aNothing leaked.\u000a\u2028\u2029\u0085\u202e\u2066\u200f\ufeff\u0000\u007f\udb40\udc41""";

    [Theory]
    [InlineData("plain [red]text[/] äöü 漢字 😀", "plain [red]text[/] äöü 漢字 😀")]
    [InlineData("\0\a\b\t\n\v\f\r\u001b\u007f", """\u0000\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u001b\u007f""")]
    [InlineData("\u0080\u0085\u009b\u009f\u00a0", "\\u0080\\u0085\\u009b\\u009f\u00a0")]
    [InlineData("\u2028\u2029\ufeff\u200e\u200f\u00ad\u061c", """\u2028\u2029\ufeff\u200e\u200f\u00ad\u061c""")]
    [InlineData("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", """\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069""")]
    [InlineData("a\ndb", "a\\u000adb")]
    public void Of_shows_what_cannot_be_seen(string text, string shown) => Visible.Of(text).Should().Be(shown);

    [Fact]
    public void Of_shows_half_of_a_surrogate_pair_and_nothing_that_is_whole()
    {
        Visible.Of("a\ud83d").Should().Be("a\\ud83d");
        Visible.Of("\ude00b\ud83d\ude00").Should().Be("\\ude00b\ud83d\ude00");
        Visible.Of("é😀", isUnicode: false).Should().Be("""\u00e9\ud83d\ude00""");
    }

    [Fact]
    public void Run_shows_every_name_as_text()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "names.jsonl",
            Header.Replace("NAME", Name, StringComparison.Ordinal),
            """{"op":"bind","dev":"NAME","mm":"NAME","want_pasid":true,"flags":0,"ops":"NAME","fail":null,"note":"NAME","ret":5}""".Replace("NAME", Name, StringComparison.Ordinal),
            """{"op":"exit","mm":"NAME","events":["NAME"]}""".Replace("NAME", Name, StringComparison.Ordinal));

        ToolRun run = ToolRun.Of("run", path);

        run.ExitCode.Should().Be(1);
        run.Error.Should().BeEmpty();
        ShouldBeTame(run.Output);
        run.Output.Should().Contain(Shown);
        run.Lines.Count(line => line.StartsWith("Nothing leaked.", StringComparison.Ordinal)).Should().Be(1);
        run.Lines[0].Should().Be($"{Shown} (profile seed, 2 steps)");
        run.Lines.Should().Contain(line => line.StartsWith($"   1  bind {Shown} to {Shown} ", StringComparison.Ordinal));
        run.Lines.Should().Contain(line => line.StartsWith("│ 1 ", StringComparison.Ordinal) || line.Contains("PASID 1", StringComparison.Ordinal));
    }

    [Fact]
    public void Verify_shows_answers_and_paths_as_text()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "esc\u001b[2J\nNothing\u202e.jsonl",
            """{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","seed":1,"steps":2}""",
            """{"op":"alloc","set":null,"min":1,"max":1,"data":"NAME","ret":1}""".Replace("NAME", Name, StringComparison.Ordinal),
            """{"op":"find","set":null,"id":1,"getter":null,"ret":{"data":"other\u001b\u009b"}}""");

        ToolRun run = ToolRun.Of("verify", path);

        run.ExitCode.Should().Be(1);
        run.Lines.Should().HaveCount(5, "no name begins a line");
        run.Lines[1].Should().EndWith("""esc\u001b[2J\u000aNothing\u202e.jsonl:3: find: ret""");
        ShouldBeTame(run.Output);
    }

    [Theory]
    [InlineData("""{"NAME":1}""")]
    [InlineData("""{"vectors":"NAME","version":1}""")]
    [InlineData("""{"vectors":"svm","version":1,"kernel":"NAME"}""")]
    [InlineData("""{"vectors":"svm","version":"NAME"}""")]
    [InlineData("""{"vectors":"ioasid","version":1,"NAME":1,"NAME":2}""")]
    [InlineData("""{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","steps":0,"fns":{"NAME":"NAME"}}""")]
    [InlineData("\u009b2J\u2028")]
    public void A_refused_file_is_quoted_as_text_in_one_line(string header)
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("\u001b]0;title\anames.jsonl", header.Replace("NAME", Name, StringComparison.Ordinal));

        foreach (ToolRun run in new[] { ToolRun.Of("run", path), ToolRun.Of("verify", path) })
        {
            run.ExitCode.Should().Be(2);
            run.ErrorLines.Should().ContainSingle().Which.Should().Contain("""\u001b]0;title\u0007names.jsonl:1: """);
            ShouldBeTame(run.Error + run.Output);
        }
    }

    [Theory]
    [InlineData("run", "--profile", "\u001b[2J\nNothing leaked.")]
    [InlineData("run", "-\u009b2J\n")]
    [InlineData("run", "no\nfile\u202e")]
    [InlineData("verify", "no\nfile\u202e")]
    [InlineData("verify", "\0")]
    [InlineData("run", "a\0b")]
    [InlineData("\u001bcommand\n")]
    public void An_argument_is_quoted_as_text(params string[] args)
    {
        ToolRun run = ToolRun.Of(args);

        run.ExitCode.Should().Be(2);
        ShouldBeTame(run.Error + run.Output);
        run.ErrorLines.Should().OnlyContain(line => line.StartsWith("pasid: ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("@arguments")]
    [InlineData("@")]
    [InlineData("@no-such-file")]
    public void An_argument_that_begins_with_an_at_sign_is_a_path(string name)
    {
        using var folder = new TemporaryFolder();
        folder.Write("arguments", "--help");
        string path = Path.Combine(folder.Path, name);

        ToolRun.Of("verify", name).ErrorLines.Should().Equal($"pasid: {name}: there is no such file or folder");
        ToolRun.Of("run", name).ErrorLines.Should().ContainSingle().Which.Should().StartWith($"pasid: {name}: cannot be read: ");
        ToolRun.Of("run", $"@{Path.Combine(folder.Path, "arguments")}").Output.Should().BeEmpty("the file is not one of arguments");
        ToolRun.Of("verify", path).ExitCode.Should().Be(2);
    }

    [Fact]
    public void A_long_name_begins_no_line()
    {
        string name = new string('x', 4_100) + " Nothing leaked.";
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "long.jsonl",
            Header.Replace("NAME", "n", StringComparison.Ordinal).Replace("\"mms\":[\"n\"]", $"\"mms\":[\"{name}\"]", StringComparison.Ordinal),
            $$"""{"op":"bind","dev":"n","mm":"{{name}}","want_pasid":true,"flags":0,"ops":null,"fail":null,"note":"{{name}}"}""");

        ToolRun run = ToolRun.Of("run", path);

        run.Lines.Where(line => line.StartsWith("Nothing leaked.", StringComparison.Ordinal)).Should().ContainSingle();
        run.Lines.Should().Contain(name);
    }

    [Fact]
    public void A_step_that_the_library_refuses_is_the_fault_of_its_line()
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(Header + "\n{\"op\":\"snapshot\"}\n{\"op\":\"restore\"}"));
        Scenario scenario = ScenarioReader.ReadScenario("refused.jsonl", stream, profile: null);

        FluentActions.Invoking(() => Replays.Apply(new RefusingReplay(), scenario, scenario.Steps[1]))
            .Should().Throw<MalformedException>().WithMessage("refused.jsonl:3: the step 'restore' cannot be played: not today");
    }

    [Fact]
    public void An_output_that_cannot_be_written_is_one_line()
    {
        using var output = new FullWriter();
        using var error = new StringWriter();

        PasidCommand.Run(["run"], output, error).Should().Be(2);

        error.ToString().Trim().Split('\n').Should().ContainSingle().Which.Should().Be("pasid: cannot go on: IOException: No space left\\u000aon device");
    }

    [Fact]
    public void A_terminal_gets_its_own_colours_and_none_of_a_file()
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        Screen screen = TerminalScreen(output, error);

        screen.Line(new Piece("\u001b[31m[red]x[/]\n"), new Piece("y\u009b", "bold"));
        screen.Table(["a[/]"], [["[green]b\u001b[0m\n"]]);
        screen.Error("z\u001b[31m");

        string written = output.ToString();
        written.Should().Contain("\u001b[1my\\u009b\u001b[0m").And.Contain("""\u001b[31m[red]x[/]\u000a""").And.Contain("""[green]b\u001b[0m\u000a""").And.Contain("a[/]");
        written.Should().NotContain("\u001b[31m");
        error.ToString().Trim().Should().Be("pasid: z\\u001b[31m");
    }

    [Fact]
    public void An_output_that_is_not_unicode_shows_what_it_cannot_hold()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write(
            "ids.jsonl",
            """{"vectors":"ioasid","version":1,"name":"漢"}""",
            """{"op":"alloc","set":null,"min":1,"max":1,"data":"é"}""");
        using var stream = new MemoryStream();
        using var output = new StreamWriter(stream, Encoding.ASCII);
        using var error = new StringWriter();

        PasidCommand.Run(["run", path], output, error).Should().Be(0);

        output.Flush();
        Encoding.ASCII.GetString(stream.ToArray()).Should().Contain("\\u6f22").And.Contain("\\u00e9").And.NotContain("?");
    }

    private static void ShouldBeTame(string text)
    {
        text.Split('\n').Should().OnlyContain(line => line.EnumerateRunes().All(rune =>
            Rune.GetUnicodeCategory(rune) != UnicodeCategory.Control && Rune.GetUnicodeCategory(rune) != UnicodeCategory.Format
            && Rune.GetUnicodeCategory(rune) != UnicodeCategory.LineSeparator && Rune.GetUnicodeCategory(rune) != UnicodeCategory.ParagraphSeparator));
    }

    private static Screen TerminalScreen(TextWriter output, TextWriter error)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = ColorSystemSupport.Standard,
            Interactive = InteractionSupport.No,
            Out = new Terminal(output),
        });
        return new Screen(console, output, error);
    }

    private sealed class Terminal(TextWriter writer) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => true;

        public int Width => 80;

        public int Height => 25;

        public void SetEncoding(Encoding encoding)
        {
            // It is the writer's.
        }
    }

    /// <summary>A disk that is full.</summary>
    private sealed class FullWriter : StringWriter
    {
        public override void Write(string? value) => throw new IOException("No space left\non device");
    }

    private sealed class RefusingReplay : IReplay
    {
        public IReadOnlyList<Answer> Apply(Step step) => throw new FormatException("not today");

        public void Dispose()
        {
        }
    }
}

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Pasid.Tests.Recordings;
using Pasid.Tests.Support;
using Pasid.Tool.Files;

namespace Pasid.Tests.Tools;

/// <summary>The tool reads regular files, each once, and waits for nobody.</summary>
public sealed class InputFilesTests
{
    private const string Empty = """{"vectors":"ioasid","version":1,"kernel":"v5.6","name":"x","seed":1,"steps":0}""";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public static TheoryData<string, string> Kinds() => new()
    {
        { "run", "a named pipe" },
        { "verify", "a named pipe" },
        { "run", "a link to a named pipe" },
        { "verify", "a link to a named pipe" },
        { "run", "a socket" },
        { "verify", "a socket" },
        { "run", "a device" },
        { "verify", "a device" },
        { "run", "a folder" },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task What_is_no_regular_file_is_refused_in_one_line(string command, string kind)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        using Socket? socket = Make(kind, folder, out string path);

        ToolRun run = await RunAsync(command, path);

        run.ExitCode.Should().Be(2);
        run.ErrorLines.Should().Equal($"pasid: {path}: is {kind.Replace("a link to ", string.Empty, StringComparison.Ordinal)}: give a regular file");
    }

    [Fact]
    public async Task Verify_of_a_folder_reads_each_regular_file_once_and_follows_no_link()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        string below = Directory.CreateDirectory(Path.Combine(folder.Path, "below")).FullName;
        string real = folder.Write("real.jsonl", Empty);
        File.WriteAllText(Path.Combine(below, "deep.jsonl"), Empty);
        Directory.CreateDirectory(Path.Combine(folder.Path, "folder.jsonl"));
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "one"), folder.Path);
        Directory.CreateSymbolicLink(Path.Combine(folder.Path, "two"), folder.Path);
        Directory.CreateSymbolicLink(Path.Combine(below, "up.jsonl"), folder.Path);
        File.CreateSymbolicLink(Path.Combine(folder.Path, "linked.jsonl"), real);
        File.CreateSymbolicLink(Path.Combine(folder.Path, "itself.jsonl"), "itself.jsonl");
        File.CreateSymbolicLink(Path.Combine(folder.Path, "broken.jsonl"), "nothing");
        NativeMethods.link(real, Path.Combine(folder.Path, "second-name.jsonl")).Should().Be(0);
        NativeMethods.mkfifo(Path.Combine(folder.Path, "pipe.jsonl"), 0x180).Should().Be(0);
        using Socket socket = Listen(Path.Combine(folder.Path, "socket.jsonl"));

        ToolRun run = await RunAsync("verify", folder.Path);

        run.ErrorLines.Should().BeEmpty();
        run.Lines.Select(line => line.Split(' ')[0]).Should().Equal("deep.jsonl", "real.jsonl", "2");
        run.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task Verify_of_several_paths_to_one_file_reads_it_once()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("real.jsonl", Empty);
        string other = folder.Write("other.jsonl", Empty);

        ToolRun run = await RunAsync("verify", path, folder.Path, path, Path.Combine(folder.Path, ".", "real.jsonl"), other);

        run.Lines[^1].Should().Be("2 files, 0 steps, 0 mismatches");
        run.ExitCode.Should().Be(0);
    }

    [Fact]
    public async Task A_link_that_is_given_is_followed()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "file.jsonl");
        string elsewhere = Path.Combine(folder.Path, "elsewhere");
        File.CreateSymbolicLink(file, Vectors.PathOf("ioasid-basic.jsonl"));
        Directory.CreateSymbolicLink(elsewhere, Vectors.Folder);

        (await RunAsync("run", file)).ExitCode.Should().Be(0);
        (await RunAsync("verify", file)).Lines[^1].Should().Be("1 files, 625 steps, 0 mismatches");
        (await RunAsync("verify", elsewhere)).Lines[^1].Should().Be("86 files, 58758 steps, 0 mismatches");
    }

    [Theory]
    [InlineData("run")]
    [InlineData("verify")]
    public async Task A_link_that_leads_nowhere_or_to_itself_is_one_line(string command)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var folder = new TemporaryFolder();
        foreach (string target in new[] { "nothing", "link.jsonl" })
        {
            string path = Path.Combine(folder.Path, "link.jsonl");
            File.CreateSymbolicLink(path, target);

            ToolRun run = await RunAsync(command, path);

            run.ExitCode.Should().Be(2);
            run.ErrorLines.Should().ContainSingle().Which.Should().StartWith($"pasid: {path}: ");
            File.Delete(path);
        }
    }

    [Fact]
    public void Find_goes_on_after_a_path_that_leads_nowhere()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("real.jsonl", Empty);
        List<string> refused = [];

        InputFiles.Find(["", "no-such", $"{path}\0b", path], refused.Add).Should().Equal(path);

        refused.Should().HaveCount(3);
    }

    [Fact]
    public void A_file_that_is_gone_after_the_search_is_one_line()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("real.jsonl", Empty);
        string file = InputFiles.Find([folder.Path], _ => { }).Single();
        File.Delete(path);

        FluentActions.Invoking(() => InputFiles.Open(file))
            .Should().Throw<Pasid.Tool.Scenarios.MalformedException>().WithMessage($"{path}: cannot be read: *");
    }

    [Fact]
    public async Task Verify_of_folders_that_lie_deep_in_each_other_ends()
    {
        using var folder = new TemporaryFolder();
        string deep = folder.Path;
        for (int i = 0; i < 1_000; i++)
        {
            deep = Path.Combine(deep, "d");
        }

        Directory.CreateDirectory(deep);
        File.WriteAllText(Path.Combine(deep, "deep.jsonl"), Empty);

        (await RunAsync("verify", folder.Path)).Lines[^1].Should().Be("1 files, 0 steps, 0 mismatches");
    }

    /// <summary>A run that waits for somebody fails the test instead of stopping them all.</summary>
    private static Task<ToolRun> RunAsync(params string[] args) => Task.Run(() => ToolRun.Of(args)).WaitAsync(s_patience);

    private static Socket? Make(string kind, TemporaryFolder folder, out string path)
    {
        path = Path.Combine(folder.Path, "special.jsonl");
        switch (kind)
        {
            case "a socket":
                return Listen(path);
            case "a folder":
                path = folder.Path;
                break;
            case "a device":
                path = "/dev/zero";
                break;
            case "a named pipe":
                NativeMethods.mkfifo(path, 0x180).Should().Be(0);
                break;
            default:
                string pipe = Path.Combine(folder.Path, "pipe");
                NativeMethods.mkfifo(pipe, 0x180).Should().Be(0);
                File.CreateSymbolicLink(path, pipe);
                break;
        }

        return null;
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    private static class NativeMethods
    {
#pragma warning disable IDE1006 // The names of the functions.
        [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int mkfifo(string path, uint mode);

        [DllImport("libc", SetLastError = true, CharSet = CharSet.Ansi, BestFitMapping = false, ThrowOnUnmappableChar = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int link(string path, string other);
#pragma warning restore IDE1006
    }
}

using System.Globalization;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;
using Spectre.Console;

namespace Pasid.Tool.Commands;

/// <summary><c>pasid verify</c>: replays recordings and compares.</summary>
internal static class VerifyCommand
{
    public static int Run(IReadOnlyList<string> paths, IAnsiConsole console, TextWriter error)
    {
        var tally = new Tally();
        List<string> files = [];
        foreach (string path in paths)
        {
            try
            {
                files.AddRange(FindFiles(path));
            }
            catch (MalformedException exception)
            {
                tally.Malformed.Add(exception.Message);
            }
        }

        if (console.Profile.Out.IsTerminal && console.Profile.Capabilities.Interactive)
        {
            console.Progress()
                .AutoClear(true)
                .HideCompleted(false)
                .Start(context =>
                {
                    ProgressTask task = context.AddTask("verify", maxValue: Math.Max(files.Count, 1));
                    foreach (string file in files)
                    {
                        Verify(file, tally, console);
                        task.Increment(1);
                    }
                });
        }
        else
        {
            foreach (string file in files)
            {
                Verify(file, tally, console);
            }
        }

        // Only now: a line written beside a progress bar would be painted over.
        foreach (string message in tally.Malformed)
        {
            error.WriteLine($"pasid: {message}");
        }

        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{tally.Files} files, {tally.Steps} steps, {tally.Mismatches} mismatches"));
        return tally.Malformed.Count != 0 ? ExitCodes.Usage : tally.Mismatches == 0 ? ExitCodes.Success : ExitCodes.Mismatch;
    }

    private static void Verify(string path, Tally tally, IAnsiConsole console)
    {
        Scenario recording;
        try
        {
            recording = ScenarioReader.ReadRecording(path);
        }
        catch (MalformedException exception)
        {
            tally.Malformed.Add(exception.Message);
            return;
        }

        (int steps, Difference? difference) = Replay(recording);
        tally.Files++;
        tally.Steps += steps;
        string line = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path),-32} {recording.Kernel,-8} {steps,6} steps  ");
        if (difference is null)
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{line}[green]ok[/]");
            return;
        }

        tally.Mismatches++;
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{line}[red]MISMATCH[/]");
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {path}:{difference.Line}: {difference.Op}: {difference.Key}"));
        console.WriteLine($"    expected {difference.Expected}");
        console.WriteLine($"    actual   {difference.Actual}");
    }

    /// <summary>Replays up to the first difference: after it the states are no longer comparable.</summary>
    private static (int Steps, Difference? Difference) Replay(Scenario recording)
    {
        using IReplay replay = Replays.Create(recording);
        int steps = 0;
        foreach (Step step in recording.Steps)
        {
            steps++;
            if (Replays.FindDifference(step, replay.Apply(step)) is { } difference)
            {
                return (steps, difference);
            }
        }

        return (steps, null);
    }

    private static string[] FindFiles(string path)
    {
        if (!Directory.Exists(path))
        {
            return File.Exists(path) ? [path] : throw new MalformedException($"{path}: there is no such file or folder");
        }

        string[] files;
        try
        {
            files = Directory.GetFiles(path, "*.jsonl", SearchOption.AllDirectories);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new MalformedException($"{path}: cannot be searched: {exception.Message}", exception);
        }

        Array.Sort(files, StringComparer.Ordinal);
        return files.Length != 0 ? files : throw new MalformedException($"{path}: the folder holds no .jsonl file");
    }

    private sealed class Tally
    {
        public int Files { get; set; }

        public long Steps { get; set; }

        public int Mismatches { get; set; }

        public List<string> Malformed { get; } = [];
    }
}

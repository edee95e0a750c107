using System.Globalization;
using Pasid.Tool.Files;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Commands;

/// <summary><c>pasid verify</c>: replays recordings and compares.</summary>
internal static class VerifyCommand
{
    public static int Run(IReadOnlyList<string> paths, Screen screen)
    {
        var tally = new Tally();
        IReadOnlyList<string> files = InputFiles.Find(paths, tally.Malformed.Add);
        screen.ForEach("verify", files, file => Verify(file, tally, screen));

        // Only now: a line written beside a progress bar would be painted over.
        foreach (string message in tally.Malformed)
        {
            screen.Error(message);
        }

        screen.Line(string.Create(CultureInfo.InvariantCulture, $"{tally.Files} files, {tally.Steps} steps, {tally.Mismatches} mismatches"));
        return tally.Malformed.Count != 0 ? ExitCodes.Usage : tally.Mismatches == 0 ? ExitCodes.Success : ExitCodes.Mismatch;
    }

    private static void Verify(string path, Tally tally, Screen screen)
    {
        Scenario recording;
        int steps;
        Difference? difference;
        try
        {
            recording = ScenarioReader.ReadRecording(path);
            (steps, difference) = Replay(recording);
        }
        catch (MalformedException exception)
        {
            tally.Malformed.Add(exception.Message);
            return;
        }

        tally.Files++;
        tally.Steps += steps;
        string line = string.Create(CultureInfo.InvariantCulture, $"{Path.GetFileName(path),-32} {recording.Kernel,-8} {steps,6} steps  ");
        if (difference is null)
        {
            screen.Line(new Piece(line), new Piece("ok", "green"));
            return;
        }

        tally.Mismatches++;
        screen.Line(new Piece(line), new Piece("MISMATCH", "red"));
        screen.Line(string.Create(CultureInfo.InvariantCulture, $"  {path}:{difference.Line}: {difference.Op}: {difference.Key}"));
        screen.Line($"    expected {difference.Expected}");
        screen.Line($"    actual   {difference.Actual}");
    }

    /// <summary>Replays up to the first difference: after it the states are no longer comparable.</summary>
    private static (int Steps, Difference? Difference) Replay(Scenario recording)
    {
        using IReplay replay = Replays.Create(recording);
        int steps = 0;
        foreach (Step step in recording.Steps)
        {
            steps++;
            if (Replays.FindDifference(step, Replays.Apply(replay, recording, step)) is { } difference)
            {
                return (steps, difference);
            }
        }

        return (steps, null);
    }

    private sealed class Tally
    {
        public int Files { get; set; }

        public long Steps { get; set; }

        public int Mismatches { get; set; }

        public List<string> Malformed { get; } = [];
    }
}

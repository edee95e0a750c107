using System.Globalization;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;
using Spectre.Console;

namespace Pasid.Tool.Commands;

/// <summary><c>pasid run</c>: plays a scenario and shows what happens.</summary>
internal static class RunCommand
{
    private const string BuiltIn = "seed-story.jsonl";

    public static int Run(string? path, string? profileName, IAnsiConsole console, TextWriter error)
    {
        Scenario scenario;
        try
        {
            scenario = Read(path, profileName is null ? null : KernelNames.Find(profileName));
        }
        catch (MalformedException exception)
        {
            error.WriteLine($"pasid: {exception.Message}");
            return ExitCodes.Usage;
        }

        using IReplay replay = Replays.Create(scenario);
        string kernel = scenario is BinderScenario { Profile: { } profile } ? $"profile {profile.Name}" : $"kernel {scenario.Kernel}";
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[bold]{scenario.Name}[/] ({kernel}, {scenario.Steps.Count} steps)");
        int differences = 0;
        foreach (Step step in scenario.Steps)
        {
            differences += Show(console, step, replay.Apply(step)) ? 0 : 1;
        }

        console.WriteLine();
        PasidTable.Show(console, replay);
        if (differences != 0)
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[red]{differences} steps were not answered as the scenario expects.[/]");
        }

        return differences == 0 ? ExitCodes.Success : ExitCodes.Mismatch;
    }

    private static Scenario Read(string? path, KernelProfile? profile)
    {
        if (path is not null)
        {
            return ScenarioReader.ReadScenario(path, profile);
        }

        Stream stream = typeof(RunCommand).Assembly.GetManifestResourceStream(BuiltIn)
            ?? throw new MalformedException($"{BuiltIn}: is missing from this build");
        return ScenarioReader.ReadScenario(BuiltIn, stream, profile);
    }

    /// <returns>Whether the step was answered as expected.</returns>
    private static bool Show(IAnsiConsole console, Step step, IReadOnlyList<Answer> answers)
    {
        if (step.Info.Note is { } note)
        {
            console.WriteLine();
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[italic]{note}[/]");
        }

        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{step.Info.Line - 1,4}  {StepText.Describe(step),-44} [bold]{StepText.Outcome(step, answers)}[/]");
        foreach (string line in StepText.Events(answers))
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"        [grey]{line}[/]");
        }

        if (Replays.FindDifference(step, answers) is not { } difference)
        {
            return true;
        }

        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"        [red]{difference.Key}: expected {difference.Expected}, came {difference.Actual}[/]");
        return false;
    }
}

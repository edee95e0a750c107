using System.Globalization;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Commands;

/// <summary><c>pasid run</c>: plays a scenario and shows what happens.</summary>
internal static class RunCommand
{
    private const string BuiltIn = "seed-story.jsonl";

    public static int Run(string? path, string? profileName, Screen screen)
    {
        Scenario scenario = Read(path, profileName is null ? null : KernelNames.Find(profileName));
        using IReplay replay = Replays.Create(scenario);
        string kernel = scenario is BinderScenario { Profile: { } profile } ? $"profile {profile.Name}" : $"kernel {scenario.Kernel}";
        screen.Line(new Piece(scenario.Name, "bold"), new Piece(string.Create(CultureInfo.InvariantCulture, $" ({kernel}, {scenario.Steps.Count} steps)")));
        int differences = 0;
        foreach (Step step in scenario.Steps)
        {
            differences += Show(screen, step, Replays.Apply(replay, scenario, step)) ? 0 : 1;
        }

        screen.Line();
        PasidTable.Show(screen, replay);
        if (differences != 0)
        {
            screen.Line(string.Create(CultureInfo.InvariantCulture, $"{differences} steps were not answered as the scenario expects."), "red");
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
    private static bool Show(Screen screen, Step step, IReadOnlyList<Answer> answers)
    {
        if (step.Info.Note is { } note)
        {
            screen.Line();
            screen.Line(note, "italic");
        }

        screen.Line(
            new Piece(string.Create(CultureInfo.InvariantCulture, $"{step.Info.Line - 1,4}  {StepText.Describe(step),-44} ")),
            new Piece(StepText.Outcome(step, answers), "bold"));
        foreach (string line in StepText.Events(answers))
        {
            screen.Line($"        {line}", "grey");
        }

        if (Replays.FindDifference(step, answers) is not { } difference)
        {
            return true;
        }

        screen.Line($"        {difference.Key}: expected {difference.Expected}, came {difference.Actual}", "red");
        return false;
    }
}

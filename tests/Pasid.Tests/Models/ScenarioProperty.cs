using System.Text;
using CsCheck;
using Pasid.Tests.Support;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Models;

/// <summary>
/// Plays random scenarios on the library and on a naive model, which have to give every answer alike. What refutes that is
/// made as short as it gets and printed as a file for <c>pasid run</c>.
/// </summary>
internal static class ScenarioProperty
{
    /// <summary>Longer scenarios are not looked through after each step, but now and then and where they ask for all that is live.</summary>
    private const int FewSteps = 128;

    public static void Holds<T>(Gen<T> choices, Func<T, string[]> scenario, Func<Scenario, IReplay> model, int rounds) =>
        Holds(choices, scenario, model, Replays.Create, rounds);

    public static void Holds<T>(Gen<T> choices, Func<T, string[]> scenario, Func<Scenario, IReplay> model, Func<Scenario, IReplay> library, int rounds)
    {
        string? Refuted(string[] lines) => Refute(lines, model, library);

        choices.Sample(
            choice => Refuted(scenario(choice)) is null,
            print: choice => Print(Shorten(scenario(choice), Refuted), Refuted),
            iter: Effort.Rounds(rounds),
            threads: 1);
    }

    /// <summary>What recordings hold and no model: how things are written, and in which order a thread goes about them.</summary>
    private static readonly string[] s_beyondModels = ["descs", "log", "regions", "raw", "arrived"];

    /// <summary>Finds the first answer that differs; <see langword="null"/> if none does.</summary>
    private static string? Refute(string[] lines, Func<Scenario, IReplay> model, Func<Scenario, IReplay> library)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        Scenario scenario = ScenarioReader.ReadScenario("random.jsonl", stream, profile: null);
        using IReplay expecting = model(scenario);
        using IReplay answering = library(scenario);
        foreach (Step step in scenario.Steps)
        {
            IReadOnlyList<Answer> expected = expecting.Apply(step);
            Answer[] actual = [.. answering.Apply(step).Where(answer => !s_beyondModels.Contains(answer.Key))];
            for (int i = 0; i < Math.Max(expected.Count, actual.Length); i++)
            {
                if (expected.ElementAtOrDefault(i) != actual.ElementAtOrDefault(i))
                {
                    return $"line {step.Info.Line} ({step.Info.Op}): expected {expected.ElementAtOrDefault(i)}, came {actual.ElementAtOrDefault(i)}";
                }
            }

            bool isLookedThrough = scenario.Steps.Count <= FewSteps || step.Info.Line % FewSteps == 0 || step is LiveStep || ReferenceEquals(step, scenario.Steps[^1]);
            if (!isLookedThrough)
            {
                continue;
            }

            IntegrityFinding? broken = Check(answering).FirstOrDefault(finding => finding.Quirk == KernelQuirks.None);
            if (broken is not null)
            {
                return $"line {step.Info.Line} ({step.Info.Op}): {broken}";
            }
        }

        return null;
    }

    private static string Print(string[] lines, Func<string[], string?> refute) =>
        $"{refute(lines)}\nPlay it with 'pasid run FILE':\n{string.Join('\n', lines)}\n";

    /// <summary>Leaves lines out, many at once and then fewer, the last first, as long as the rest is refuted.</summary>
    private static string[] Shorten(string[] lines, Func<string[], string?> refute)
    {
        List<string> left = [.. lines];
        for (int count = Math.Max(1, left.Count / 2); count > 0; count /= 2)
        {
            for (int i = left.Count - count; i > 0; i -= count)
            {
                string[] shorter = [.. left[..i], .. left[(i + count)..]];
                if (IsRefuted(shorter, refute))
                {
                    left = [.. shorter];
                }
            }
        }

        return [.. left];
    }

    private static bool IsRefuted(string[] lines, Func<string[], string?> refute)
    {
        try
        {
            return refute(lines) is not null;
        }
        catch (MalformedException)
        {
            // Without the line the rest speaks of something that is not there.
            return false;
        }
    }

    private static IReadOnlyList<IntegrityFinding> Check(IReplay replay) => replay switch
    {
        BinderReplay binder => binder.Binder.CheckIntegrity(),
        AllocatorReplay allocator => allocator.Allocator.CheckIntegrity(),
        AllocatorPlay allocator => allocator.CheckIntegrity(),
        _ => [],
    };
}

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
    public static void Holds<T>(Gen<T> choices, Func<T, string[]> scenario, Func<Scenario, IReplay> model, int rounds) =>
        choices.Sample(
            choice => Refute(scenario(choice), model) is null,
            print: choice => Print(Shorten(scenario(choice), model), model),
            iter: Effort.Rounds(rounds),
            threads: 1);

    /// <summary>Finds the first answer that differs; <see langword="null"/> if none does.</summary>
    public static string? Refute(string[] lines, Func<Scenario, IReplay> model)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', lines)));
        Scenario scenario = ScenarioReader.ReadScenario("random.jsonl", stream, profile: null);
        using IReplay expecting = model(scenario);
        using IReplay answering = Replays.Create(scenario);
        foreach (Step step in scenario.Steps)
        {
            IReadOnlyList<Answer> expected = expecting.Apply(step);
            IReadOnlyList<Answer> actual = answering.Apply(step);
            for (int i = 0; i < Math.Max(expected.Count, actual.Count); i++)
            {
                if (expected.ElementAtOrDefault(i) != actual.ElementAtOrDefault(i))
                {
                    return $"line {step.Info.Line} ({step.Info.Op}): expected {expected.ElementAtOrDefault(i)}, came {actual.ElementAtOrDefault(i)}";
                }
            }

            IntegrityFinding? broken = Check(answering).FirstOrDefault(finding => finding.Quirk == KernelQuirks.None);
            if (broken is not null)
            {
                return $"line {step.Info.Line} ({step.Info.Op}): {broken}";
            }
        }

        return null;
    }

    private static string Print(string[] lines, Func<Scenario, IReplay> model) =>
        $"{Refute(lines, model)}\nPlay it with 'pasid run FILE':\n{string.Join('\n', lines)}\n";

    /// <summary>Leaves lines out, the last first, as long as the rest is refuted.</summary>
    private static string[] Shorten(string[] lines, Func<Scenario, IReplay> model)
    {
        List<string> left = [.. lines];
        for (int i = left.Count - 1; i > 0; i--)
        {
            string line = left[i];
            left.RemoveAt(i);
            if (!IsRefuted([.. left], model))
            {
                left.Insert(i, line);
            }
        }

        return [.. left];
    }

    private static bool IsRefuted(string[] lines, Func<Scenario, IReplay> model)
    {
        try
        {
            return Refute(lines, model) is not null;
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
        _ => [],
    };
}

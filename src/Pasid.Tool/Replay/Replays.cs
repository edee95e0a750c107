using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

internal static class Replays
{
    public static IReplay Create(Scenario scenario) => scenario switch
    {
        AllocatorScenario allocator => new AllocatorReplay(allocator),
        BinderScenario binder => new BinderReplay(binder),
        _ => throw new ArgumentException($"'{scenario.GetType().Name}' cannot be replayed.", nameof(scenario)),
    };

    /// <summary>Finds the first expected answer that did not come.</summary>
    public static Difference? FindDifference(Step step, IReadOnlyList<Answer> actual)
    {
        foreach (Answer expected in step.Info.Expected)
        {
            Answer? came = actual.FirstOrDefault(answer => answer.Key == expected.Key);
            if (came is null || !string.Equals(came.Text, expected.Text, StringComparison.Ordinal))
            {
                return new Difference(step.Info.Line, step.Info.Op, expected.Key, expected.Text, came?.Text ?? "nothing");
            }
        }

        return null;
    }
}

using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

internal static class Replays
{
    /// <summary>How much of an answer is shown beyond what was expected.</summary>
    private const int Context = 1 << 10;

    public static IReplay Create(Scenario scenario) => scenario switch
    {
        AllocatorScenario allocator => new AllocatorReplay(allocator),
        BinderScenario binder => new BinderReplay(binder),
        _ => throw new ArgumentException($"'{scenario.GetType().Name}' cannot be replayed.", nameof(scenario)),
    };

    /// <summary>Applies a step; one that the library refuses is the file's fault, and named with its line.</summary>
    public static IReadOnlyList<Answer> Apply(IReplay replay, Scenario scenario, Step step)
    {
        try
        {
            return replay.Apply(step);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            throw new MalformedException(scenario.Path, step.Info.Line, $"the step '{step.Info.Op}' cannot be played: {exception.Message}", exception);
        }
    }

    /// <summary>Finds the first expected answer that did not come.</summary>
    public static Difference? FindDifference(Step step, IReadOnlyList<Answer> actual)
    {
        foreach (Answer expected in step.Info.Expected)
        {
            Answer? came = actual.FirstOrDefault(answer => answer.Key == expected.Key);
            if (came is null || !came.Is(expected.Text))
            {
                return new Difference(step.Info.Line, step.Info.Op, expected.Key, expected.Text, came?.Begin(expected.Text.Length + Context) ?? "nothing");
            }
        }

        return null;
    }
}

using System.Globalization;
using Microsoft.Coyote;
using Microsoft.Coyote.SystematicTesting;

namespace Pasid.SystematicTests.Support;

/// <summary>
/// Lets Coyote choose who runs next at each access to memory, each gate and each task, and asks of every schedule whether
/// its answers and its end are those of some order of the same calls on one thread.
/// </summary>
internal static class Schedules
{
    /// <summary>How many schedules each strategy explores; <c>PASID_EFFORT</c> multiplies it.</summary>
    private const int PerStrategy = 40;

    private static readonly Func<Configuration, Configuration>[] s_strategies =
    [
        configuration => configuration.WithRandomStrategy(),
        configuration => configuration.WithPrioritizationStrategy(priorityChangeBound: 10),
        configuration => configuration.WithDelayBoundingStrategy(delayBound: 10),
    ];

    /// <summary>Explores what threads do to a system.</summary>
    /// <param name="make">Makes a system in its first state.</param>
    /// <param name="state">Describes the end; throws if the system is not whole.</param>
    /// <param name="threads">The calls of each thread, each answered as text.</param>
    /// <returns><see langword="null"/> if every schedule is explained; otherwise the first that is not.</returns>
    public static string? Refute<TSystem>(Func<TSystem> make, Func<TSystem, string> state, params Func<TSystem, string>[][] threads)
    {
        HashSet<string> explained = Explained(make, state, threads);
        foreach (Func<Configuration, Configuration> strategy in s_strategies)
        {
            Configuration configuration = strategy(Configuration.Create())
                .WithTestingIterations((uint)Math.Ceiling(PerStrategy * Effort()))
                .WithMaxSchedulingSteps(20_000)
                .WithMemoryAccessRaceCheckingEnabled()
                .WithAtomicOperationRaceCheckingEnabled()
                .WithVolatileOperationRaceCheckingEnabled()
                .WithDeadlockTimeout(20_000)
                .WithPartiallyControlledConcurrencyAllowed(false)
                .WithTelemetryEnabled(false);
            using TestingEngine engine = TestingEngine.Create(configuration, () => Run(make, state, threads, explained));
            engine.Run();
            if (engine.TestReport.InternalErrors.Count != 0)
            {
                return string.Join('\n', engine.TestReport.InternalErrors);
            }

            if (engine.TestReport.NumOfFoundBugs != 0)
            {
                return string.Join('\n', engine.TestReport.BugReports);
            }

            if (engine.TestReport.NumOfExploredFairPaths + engine.TestReport.NumOfExploredUnfairPaths != configuration.TestingIterations)
            {
                return $"only {engine.TestReport.NumOfExploredFairPaths} and {engine.TestReport.NumOfExploredUnfairPaths} of {configuration.TestingIterations} schedules were explored";
            }
        }

        return null;
    }

    private static double Effort() => double.TryParse(Environment.GetEnvironmentVariable("PASID_EFFORT"), CultureInfo.InvariantCulture, out double effort) ? effort : 1;

    private static void Run<TSystem>(Func<TSystem> make, Func<TSystem, string> state, Func<TSystem, string>[][] threads, HashSet<string> explained)
    {
        TSystem system = make();
        string[] answers = new string[threads.Length];
        Task[] tasks = new Task[threads.Length];
        for (int i = 0; i < threads.Length; i++)
        {
            int thread = i;
            tasks[i] = Task.Run(() => answers[thread] = string.Join(", ", threads[thread].Select(call => call(system))));
        }

        Task.WaitAll(tasks);
        string outcome = Outcome(answers, state(system));
        if (!explained.Contains(outcome))
        {
            throw new InvalidOperationException($"No order of one thread explains:\n{outcome}\nbut only:\n{string.Join("\n\n", explained)}");
        }
    }

    private static HashSet<string> Explained<TSystem>(Func<TSystem> make, Func<TSystem, string> state, Func<TSystem, string>[][] threads)
    {
        HashSet<string> outcomes = [];
        AddOrders([], new int[threads.Length]);
        return outcomes;

        void AddOrders(List<int> order, int[] next)
        {
            bool isComplete = true;
            for (int thread = 0; thread < threads.Length; thread++)
            {
                if (next[thread] == threads[thread].Length)
                {
                    continue;
                }

                isComplete = false;
                next[thread]++;
                order.Add(thread);
                AddOrders(order, next);
                order.RemoveAt(order.Count - 1);
                next[thread]--;
            }

            if (isComplete)
            {
                outcomes.Add(Replay(make(), state, threads, order));
            }
        }
    }

    private static string Replay<TSystem>(TSystem system, Func<TSystem, string> state, Func<TSystem, string>[][] threads, List<int> order)
    {
        List<string>[] answers = [.. threads.Select(_ => new List<string>())];
        foreach (int thread in order)
        {
            answers[thread].Add(threads[thread][answers[thread].Count](system));
        }

        return Outcome(answers.Select(a => string.Join(", ", a)), state(system));
    }

    private static string Outcome(IEnumerable<string> answers, string state) =>
        string.Join('\n', answers.Select((answer, thread) => $"thread {thread}: {answer}")) + "\nend: " + state;
}

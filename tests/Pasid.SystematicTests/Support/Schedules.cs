using System.Globalization;
using Microsoft.Coyote;
using Microsoft.Coyote.SystematicTesting;

namespace Pasid.SystematicTests.Support;

/// <summary>
/// Lets Coyote choose who runs next, and asks of every schedule whether its answers and its end are those of some order of
/// the same calls on one thread.
/// </summary>
internal static class Schedules
{
    /// <summary>How many schedules each strategy explores at each size of step; <c>PASID_EFFORT</c> multiplies it.
    /// <c>PASID_SEED</c> chooses others.</summary>
    private const int PerStrategy = 100;

    /// <summary>No schedule is so long. One that is cut there would have been explored for nothing, so it fails the test.</summary>
    private const int MaxSteps = 20_000;

    /// <summary>In the order of <see cref="Strategy"/>.</summary>
    private static readonly Func<Configuration, Configuration>[] s_strategies =
    [
        configuration => configuration.WithRandomStrategy(),
        configuration => configuration.WithPrioritizationStrategy(priorityChangeBound: 10),
        configuration => configuration.WithDelayBoundingStrategy(delayBound: 10),
    ];

    /// <summary>Explores what threads do to a system, by each strategy, at each size of step.</summary>
    /// <param name="make">Makes a system in its first state.</param>
    /// <param name="state">Describes the end; throws if the system is not whole.</param>
    /// <param name="threads">The calls of each thread, each answered as text.</param>
    /// <returns><see langword="null"/> if every schedule is explained; otherwise the first that is not.</returns>
    public static string? Refute<TSystem>(Func<TSystem> make, Func<TSystem, string> state, params Func<TSystem, string>[][] threads)
        where TSystem : notnull
    {
        int schedules = (int)Math.Ceiling(PerStrategy * FromEnvironment("PASID_EFFORT", 1));
        IEnumerable<string?> refutations =
            from steps in Enum.GetValues<SwitchPoints>()
            from strategy in Enum.GetValues<Strategy>()
            select Refute(strategy, steps, schedules, make, state, threads);
        return refutations.FirstOrDefault(refutation => refutation is not null);
    }

    /// <summary>Explores what threads do to a system, by one strategy.</summary>
    /// <param name="strategy">How Coyote chooses.</param>
    /// <param name="steps">Where it chooses.</param>
    /// <param name="schedules">How many schedules are explored, at most: the first that is not explained ends it.</param>
    /// <param name="make">Makes a system in its first state.</param>
    /// <param name="state">Describes the end; throws if the system is not whole.</param>
    /// <param name="threads">The calls of each thread, each answered as text.</param>
    /// <returns><see langword="null"/> if every schedule is explained; otherwise the first that is not, and what repeats it.</returns>
    public static string? Refute<TSystem>(Strategy strategy, SwitchPoints steps, int schedules, Func<TSystem> make, Func<TSystem, string> state, params Func<TSystem, string>[][] threads)
        where TSystem : notnull
    {
        HashSet<string> explained = Explained(make, state, threads);
        string? refutation = null;
        TSystem? system = default;
        string[] answers = [];
        uint seed = (uint)FromEnvironment("PASID_SEED", 1);
        Configuration configuration = s_strategies[(int)strategy](Configuration.Create())
            .WithRandomGeneratorSeed(seed)
            .WithTestingIterations((uint)schedules)
            .WithMaxSchedulingSteps(MaxSteps)
            .WithMemoryAccessRaceCheckingEnabled(steps == SwitchPoints.EachAccess)
            .WithAtomicOperationRaceCheckingEnabled()
            .WithVolatileOperationRaceCheckingEnabled()
            .WithDeadlockTimeout(20_000)
            .WithPartiallyControlledConcurrencyAllowed(false)
            .WithTelemetryEnabled(false);
        using TestingEngine engine = TestingEngine.Create(configuration, () => answers = Run(system!, threads));

        // The system is made and looked at where nothing is scheduled: a walk over all of it takes a thousand steps for one of a call.
        engine.RegisterStartIterationCallBack(_ => (system, answers) = (make(), []));
        engine.RegisterEndIterationCallBack(_ =>
        {
            bool hasEnded = answers.Length == threads.Length;
            refutation = hasEnded ? Unexplained(answers, () => state(system!), explained) : null;
            if (refutation is not null)
            {
                engine.Stop();
            }
        });
        engine.Run();
        TestReport report = engine.TestReport;
        refutation = report.InternalErrors.Concat(report.BugReports).FirstOrDefault() ?? refutation ?? NotExplored(report, schedules);
        return refutation is null ? null : $"{strategy} at {steps}, PASID_SEED={seed}, schedule {Explored(report)}: {refutation}";
    }

    private static string[] Run<TSystem>(TSystem system, Func<TSystem, string>[][] threads)
    {
        string[] answers = new string[threads.Length];
        Task[] tasks = new Task[threads.Length];
        for (int i = 0; i < threads.Length; i++)
        {
            int thread = i;
            tasks[i] = Task.Run(() => answers[thread] = string.Join(", ", threads[thread].Select(call => call(system))));
        }

        Task.WaitAll(tasks);
        return answers;
    }

    private static string? Unexplained(string[] answers, Func<string> state, HashSet<string> explained)
    {
        string outcome;
        try
        {
            outcome = Outcome(answers, state());
        }
        catch (InvalidOperationException notWhole)
        {
            return Outcome(answers, notWhole.Message);
        }

        return explained.Contains(outcome) ? null : $"no order of one thread explains\n{outcome}\nbut only\n{string.Join("\n\n", explained)}";
    }

    private static string? NotExplored(TestReport report, int schedules)
    {
        int cut = report.MaxFairStepsHitInFairTests + report.MaxUnfairStepsHitInUnfairTests;
        return Explored(report) == schedules && cut == 0 ? null : $"that was all of {schedules}, and {cut} did not end in {MaxSteps} steps";
    }

    private static int Explored(TestReport report) => report.NumOfExploredFairPaths + report.NumOfExploredUnfairPaths;

    private static double FromEnvironment(string name, double otherwise) => double.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out double value) ? value : otherwise;

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

namespace Pasid.SystematicTests.Support;

/// <summary>
/// A system and what threads call on it. The tests of schedules explore it as it is, those that plant a fault with the fault in
/// it: so each shows that the others would find that fault.
/// </summary>
internal sealed class Attack
{
    private readonly Func<string?> _explore;
    private readonly Func<Strategy, SwitchPoints, int, string?> _exploreBy;

    private Attack(Func<string?> explore, Func<Strategy, SwitchPoints, int, string?> exploreBy)
    {
        _explore = explore;
        _exploreBy = exploreBy;
    }

    /// <inheritdoc cref="Schedules.Refute{TSystem}(Func{TSystem}, Func{TSystem, string}, Func{TSystem, string}[][])"/>
    public static Attack On<TSystem>(Func<TSystem> make, Func<TSystem, string> state, params Func<TSystem, string>[][] threads)
        where TSystem : notnull =>
        new(() => Schedules.Refute(make, state, threads), (strategy, steps, schedules) => Schedules.Refute(strategy, steps, schedules, make, state, threads));

    /// <summary>Explores by each strategy, at each size of step.</summary>
    /// <returns><see langword="null"/> if every schedule is explained; otherwise the first that is not.</returns>
    public string? Refute() => _explore();

    /// <summary>Explores by one strategy, at one size of step.</summary>
    /// <returns><see langword="null"/> if every schedule is explained; otherwise the first that is not.</returns>
    public string? Refute(Strategy strategy, SwitchPoints steps, int schedules) => _exploreBy(strategy, steps, schedules);
}

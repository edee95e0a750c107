using Pasid.Internal;
using Pasid.SystematicTests.Support;
using Tag = Pasid.SystematicTests.OwnerScheduleTests.Tag;

namespace Pasid.SystematicTests;

/// <summary>
/// A fault that was mended is found again once the mend is taken out, by the systems and calls of the ordinary tests: without
/// these, that the others find nothing would mean nothing.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class PlantedFaultTests
{
    /// <summary>Ends a search. The ways that a row names need from one schedule to some hundreds; more than a thousand with some seeds by chance.</summary>
    private const int Schedules = 4_000;

    private static readonly (Strategy Strategy, SwitchPoints SwitchPoints)[] s_everyWay =
    [
        .. from strategy in Enum.GetValues<Strategy>() from steps in Enum.GetValues<SwitchPoints>() select (strategy, steps),
    ];

    /// <summary>
    /// Where a thread has to stand still while another makes two calls, or splits a page. By chance at each step that is the rarer the
    /// more steps these take: one in some hundred schedules at synchronization, and one in ten thousand or none at each access.
    /// </summary>
    private static readonly (Strategy Strategy, SwitchPoints SwitchPoints)[] s_everyWayButChanceAtEachAccess = [.. s_everyWay.Except([(Strategy.Random, SwitchPoints.EachAccess)])];

    /// <summary>Where the thread has to stand still for three calls, or for the longest of all, which splits the page.</summary>
    private static readonly (Strategy Strategy, SwitchPoints SwitchPoints)[] s_everyWayButChance = [.. s_everyWay.Where(way => way.Strategy != Strategy.Random)];

    /// <summary>What has to find each fault, what it says then, and by which ways.</summary>
    private static readonly Row[] s_rows =
    [
        new(PlantedFault.ReplacedPagesStay, "an owner that goes", OwnerScheduleTests.PageIsReplacedBeforeAnOwnerGoes(2, 2), "AccessDenied", s_everyWayButChanceAtEachAccess),
        new(PlantedFault.ReplacedPagesStay, "an owner that goes, 64", OwnerScheduleTests.PageIsReplacedBeforeAnOwnerGoes(64, 64), "AccessDenied", s_everyWayButChanceAtEachAccess),
        new(PlantedFault.ReplacedPagesStay, "a split, an owner that goes", OwnerScheduleTests.PageIsReplacedBeforeAnOwnerGoes(2, 2_048), "AccessDenied", s_everyWayButChance),
        new(PlantedFault.ReplacedPagesStay, "the first owner's id", OwnerScheduleTests.PageIsReplacedBeforeAnIdChangesHands(2, 2, Tag.First), "thread 2: Success red's", s_everyWayButChance),
        new(PlantedFault.ReplacedPagesStay, "a later owner's id", OwnerScheduleTests.PageIsReplacedBeforeAnIdChangesHands(1_024, 1_024, Tag.Later), "thread 2: Success blue's", s_everyWayButChance),
        new(PlantedFault.SplitHidesIds, "ids that stay", OwnerScheduleTests.PageIsReplacedWhileItsIdsStay(2, 2_048), "NotFound", s_everyWayButChanceAtEachAccess),
        new(PlantedFault.LastUsersLeaveUnseen, "two who drop the last user", LifeScheduleTests.TwoWhoDropTheLastUser(), "thread 1: dropped", s_everyWay),
        new(PlantedFault.RequestsComeBehindTheDrain, "a device that asks", LifeScheduleTests.AskBesideTheLastUnbind(), "thread 0: True", s_everyWay),
        new(PlantedFault.QueuesGoOn, "a capture", LifeScheduleTests.CaptureBesideAnAnswer(), "space 1 False 1", s_everyWayButChanceAtEachAccess),
        new(PlantedFault.QueuesGoOn, "a restore", LifeScheduleTests.RestoreBesideAnAnswer(), "thread 0: restored", s_everyWayButChanceAtEachAccess),
    ];

    /// <summary>What one thread does wrong by itself; what has to find it answers what is wrong.</summary>
    private static readonly Dictionary<PlantedFault, Func<string?>> s_checks = new()
    {
        [PlantedFault.AnswersEndHalfWay] = DrainTests.UnbindWhoseHandlerThrows,
        [PlantedFault.HandlersMayCallTheBinder] = DrainTests.HandlerThatBinds,
    };

    public static TheoryData<string> Checks() => [.. s_checks.Keys.Select(fault => $"{fault}")];

    [Theory]
    [MemberData(nameof(Checks))]
    public void A_planted_fault_of_one_thread_is_found(string fault)
    {
        string? finding;
        Planted.Plant(Enum.Parse<PlantedFault>(fault));
        try
        {
            finding = s_checks[Enum.Parse<PlantedFault>(fault)]();
        }
        finally
        {
            Planted.Plant(PlantedFault.None);
        }

        finding.Should().NotBeNull();
    }

    public static TheoryData<string, string, Strategy, SwitchPoints> Ways()
    {
        var ways = new TheoryData<string, string, Strategy, SwitchPoints>();
        foreach (Row row in s_rows)
        {
            Array.ForEach(row.Ways, way => ways.Add($"{row.Fault}", row.Name, way.Strategy, way.SwitchPoints));
        }

        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_planted_fault_is_found(string fault, string name, Strategy strategy, SwitchPoints steps)
    {
        Row row = s_rows.Single(row => $"{row.Fault}" == fault && row.Name == name);
        string? refutation;
        Planted.Plant(row.Fault);
        try
        {
            refutation = row.Attack.Refute(strategy, steps, Schedules);
        }
        finally
        {
            Planted.Plant(PlantedFault.None);
        }

        refutation.Should().Contain(row.Finding).And.Contain("no order of one thread explains");
    }

    [Fact]
    public void Each_fault_is_found_by_each_strategy()
    {
        IEnumerable<(PlantedFault, Strategy)> found = s_rows.SelectMany(row => row.Ways.Select(way => (row.Fault, way.Strategy))).Distinct();

        found.Should().BeEquivalentTo(
            from fault in Enum.GetValues<PlantedFault>()
            where fault != PlantedFault.None && !s_checks.ContainsKey(fault)
            from strategy in Enum.GetValues<Strategy>()
            select (fault, strategy));
    }

    private sealed record Row(PlantedFault Fault, string Name, Attack Attack, string Finding, (Strategy Strategy, SwitchPoints SwitchPoints)[] Ways);
}

using Pasid.SystematicTests.Support;

namespace Pasid.SystematicTests;

/// <summary>A race that is there is found; otherwise that none is found would mean nothing.</summary>
public sealed class PlantedRaceTests
{
    /// <summary>Each strategy needs a few dozen, or two hundred where the window is a single step; that ends the search.</summary>
    private const int Schedules = 2_000;

    public static TheoryData<Strategy, SwitchPoints> Ways()
    {
        var ways = new TheoryData<Strategy, SwitchPoints>();
        foreach (Strategy strategy in Enum.GetValues<Strategy>())
        {
            ways.Add(strategy, SwitchPoints.Synchronization);
            ways.Add(strategy, SwitchPoints.EachAccess);
        }

        return ways;
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_lookup_that_does_not_look_twice_is_refuted(Strategy strategy, SwitchPoints steps) =>
        Support.Schedules.Refute(
            strategy,
            steps,
            Schedules,
            () => new Slot(),
            slot => slot.Read(),
            [slot => slot.Free(), slot => slot.Allocate("new")],
            [slot => slot.Read()])
            .Should().Contain("thread 1: live without data");

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_check_outside_the_gate_is_refuted(Strategy strategy, SwitchPoints steps) =>
        Support.Schedules.Refute(
            strategy,
            steps,
            Schedules,
            () => new Counter(),
            counter => counter.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
            [counter => counter.TakeLast()],
            [counter => counter.TakeLast()])
            .Should().Contain("end: -1");

    /// <summary>A record whose reader reads the word once, and not again after the data.</summary>
    private sealed class Slot
    {
        private int _isLive = 1;
        private string? _data = "old";

        public string Free()
        {
            Volatile.Write(ref _isLive, 0);
            Volatile.Write(ref _data, null);
            return "freed";
        }

        public string Allocate(string data)
        {
            Volatile.Write(ref _data, data);
            Volatile.Write(ref _isLive, 1);
            return "allocated";
        }

        public string Read() => Volatile.Read(ref _isLive) == 0 ? "free" : Volatile.Read(ref _data) ?? "live without data";
    }

    private sealed class Counter
    {
        private readonly object _gate = new();

        public int Value { get; private set; } = 1;

        public string TakeLast()
        {
            if (Value == 0)
            {
                return "none";
            }

            lock (_gate)
            {
                Value--;
            }

            return "taken";
        }
    }
}

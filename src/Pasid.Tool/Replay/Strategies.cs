namespace Pasid.Tool.Replay;

/// <summary>The pairs of functions that allocator scenarios can name.</summary>
internal static class Strategies
{
    public static bool IsKnown(string strategy) => strategy is "lowest-free" or "highest-free" or "always-min" or "always-fail";

    public static ICustomIoasidFunctions Create(string strategy) => strategy switch
    {
        "lowest-free" => new Occupancy(LowestFree),
        "highest-free" => new Occupancy(HighestFree),
        "always-min" => new Occupancy((_, range) => range.IsEmpty ? Ioasid.Invalid : new Ioasid(range.Minimum)),
        "always-fail" => new Occupancy((_, _) => Ioasid.Invalid),
        _ => throw new ArgumentOutOfRangeException(nameof(strategy), strategy, "Unknown strategy."),
    };

    private static Ioasid LowestFree(SortedSet<uint> occupied, IoasidRange range)
    {
        if (range.IsEmpty)
        {
            return Ioasid.Invalid;
        }

        uint id = range.Minimum;
        foreach (uint taken in occupied.GetViewBetween(range.Minimum, range.Maximum))
        {
            if (taken != id)
            {
                break;
            }

            id++;
        }

        return range.Contains(new Ioasid(id)) ? new Ioasid(id) : Ioasid.Invalid;
    }

    private static Ioasid HighestFree(SortedSet<uint> occupied, IoasidRange range)
    {
        if (range.IsEmpty)
        {
            return Ioasid.Invalid;
        }

        uint id = Math.Min(range.Maximum, Ioasid.MaxValue.Value);
        foreach (uint taken in occupied.GetViewBetween(range.Minimum, id).Reverse())
        {
            if (taken != id)
            {
                break;
            }

            if (id == range.Minimum)
            {
                return Ioasid.Invalid;
            }

            id--;
        }

        return new Ioasid(id);
    }

    /// <summary>Functions with one set of occupied ids of their own, which outlives their registration.</summary>
    private sealed class Occupancy(Func<SortedSet<uint>, IoasidRange, Ioasid> choose) : ICustomIoasidFunctions
    {
        private readonly SortedSet<uint> _occupied = [];

        public Ioasid Allocate(IoasidRange range, object? privateData)
        {
            Ioasid id = choose(_occupied, range);
            if (id.IsValid)
            {
                _occupied.Add(id.Value);
            }

            return id;
        }

        public void Free(Ioasid id, object? privateData) => _occupied.Remove(id.Value);
    }
}

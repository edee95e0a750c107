namespace Pasid.Internal;

/// <summary>What only ever grows of the figures of a host. Immutable.</summary>
internal sealed class PasidTally
{
    /// <summary>Stands for all statuses that are not defined, so that the tag has few values.</summary>
    private const string OtherError = "_OTHER";

    private readonly long[] _counts = new long[(int)PasidCount.Overflows + 1];

    /// <summary>Failures by status; <see langword="null"/> if there is none, which is what most hosts have.</summary>
    private readonly SortedDictionary<(PasidCount Count, string Error), long>? _failures;

    private PasidTally(SortedDictionary<(PasidCount Count, string Error), long>? failures) =>
        _failures = failures is { Count: 0 } ? null : failures;

    public static PasidTally Nothing => new(failures: null);

    public static PasidTally Of(IoasidStatistics statistics)
    {
        var tally = new PasidTally(Failures(PasidCount.AllocatorFailures, statistics.Failures, others: 0));
        tally[PasidCount.Allocations] = statistics.Allocations;
        tally[PasidCount.Frees] = statistics.Frees;
        return tally;
    }

    public static PasidTally Of(SvmStatistics statistics)
    {
        var tally = new PasidTally(Failures(PasidCount.BinderFailures, statistics.Failures, statistics.OtherFailures));
        tally[PasidCount.Binds] = statistics.Binds;
        tally[PasidCount.Unbinds] = statistics.Unbinds;
        tally[PasidCount.Commands] = statistics.Commands;
        tally[PasidCount.Retries] = statistics.Retries;
        tally[PasidCount.Faults] = statistics.InstructionFaults;
        tally[PasidCount.Fixups] = statistics.Fixups;
        tally[PasidCount.Requests] = statistics.PageRequests;
        tally[PasidCount.Responses] = statistics.PageResponses;
        tally[PasidCount.Overflows] = statistics.PageRequestOverflows;
        return tally;
    }

    private long this[PasidCount count]
    {
        get => _counts[(int)count];
        set => _counts[(int)count] = value;
    }

    public PasidTally Plus(PasidTally other) => Combine(other, static (left, right) => left + right);

    public PasidTally Minus(PasidTally other) => Combine(other, static (left, right) => left - right);

    public PasidTally Max(PasidTally other) => Combine(other, Math.Max);

    /// <summary>Gets a count that is not told apart by error.</summary>
    public long Get(PasidCount count) => this[count];

    /// <summary>Gets the failures that occurred, by error.</summary>
    public IEnumerable<(string Error, long Count)> GetFailures(PasidCount count) =>
        _failures?.Where(failure => failure.Key.Count == count && failure.Value != 0).Select(failure => (failure.Key.Error, failure.Value)) ?? [];

    private static SortedDictionary<(PasidCount Count, string Error), long>? Failures(PasidCount count, IReadOnlyDictionary<PasidStatus, long> failures, long others)
    {
        if (failures.Count == 0 && others == 0)
        {
            return null;
        }

        var counts = new SortedDictionary<(PasidCount Count, string Error), long>();
        foreach ((PasidStatus status, long times) in failures)
        {
            counts[(count, status.ToString())] = times;
        }

        if (others != 0)
        {
            counts[(count, OtherError)] = others;
        }

        return counts;
    }

    private PasidTally Combine(PasidTally other, Func<long, long, long> combine)
    {
        SortedDictionary<(PasidCount Count, string Error), long>? failures = null;
        foreach (SortedDictionary<(PasidCount Count, string Error), long>? one in new[] { _failures, other._failures })
        {
            foreach ((PasidCount Count, string Error) key in one?.Keys.ToArray() ?? [])
            {
                failures ??= [];
                failures[key] = combine(_failures?.GetValueOrDefault(key) ?? 0, other._failures?.GetValueOrDefault(key) ?? 0);
            }
        }

        var combined = new PasidTally(failures);
        for (int i = 0; i < _counts.Length; i++)
        {
            combined._counts[i] = combine(_counts[i], other._counts[i]);
        }

        return combined;
    }
}

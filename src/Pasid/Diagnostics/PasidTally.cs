using System.Collections.Immutable;

namespace Pasid.Internal;

/// <summary>What only ever grows of the figures of a host. Immutable.</summary>
internal sealed class PasidTally
{
    /// <summary>Stands for all statuses that are not defined, so that the tag has few values.</summary>
    private const string OtherError = "_OTHER";

    private readonly long[] _counts = new long[(int)PasidCount.Overflows + 1];
    private readonly ImmutableSortedDictionary<(PasidCount Count, string Error), long> _failures;

    private PasidTally(ImmutableSortedDictionary<(PasidCount Count, string Error), long> failures) => _failures = failures;

    public static PasidTally Nothing => new(ImmutableSortedDictionary<(PasidCount Count, string Error), long>.Empty);

    /// <summary>Gets a count that is not told apart by error.</summary>
    public long this[PasidCount count]
    {
        get => _counts[(int)count];
        private set => _counts[(int)count] = value;
    }

    public static PasidTally Of(IoasidStatistics statistics) => new(Failures(PasidCount.AllocatorFailures, statistics.Failures, others: 0))
    {
        [PasidCount.Allocations] = statistics.Allocations,
        [PasidCount.Frees] = statistics.Frees,
    };

    public static PasidTally Of(SvmStatistics statistics) => new(Failures(PasidCount.BinderFailures, statistics.Failures, statistics.OtherFailures))
    {
        [PasidCount.Binds] = statistics.Binds,
        [PasidCount.Unbinds] = statistics.Unbinds,
        [PasidCount.Commands] = statistics.Commands,
        [PasidCount.Retries] = statistics.Retries,
        [PasidCount.Faults] = statistics.InstructionFaults,
        [PasidCount.Fixups] = statistics.Fixups,
        [PasidCount.Requests] = statistics.PageRequests,
        [PasidCount.Responses] = statistics.PageResponses,
        [PasidCount.Overflows] = statistics.PageRequestOverflows,
    };

    public PasidTally Plus(PasidTally other) => Combine(other, static (left, right) => left + right);

    public PasidTally Minus(PasidTally other) => Combine(other, static (left, right) => left - right);

    public PasidTally Max(PasidTally other) => Combine(other, Math.Max);

    /// <summary>Gets the failures that occurred, by error.</summary>
    public IEnumerable<(string Error, long Count)> GetFailures(PasidCount count) =>
        _failures.Where(failure => failure.Key.Count == count && failure.Value != 0).Select(failure => (failure.Key.Error, failure.Value));

    private static ImmutableSortedDictionary<(PasidCount Count, string Error), long> Failures(PasidCount count, IReadOnlyDictionary<PasidStatus, long> failures, long others) => failures
        .Select(static failure => (Error: failure.Key.ToString(), Times: failure.Value))
        .Append((Error: OtherError, Times: others))
        .Where(static failure => failure.Times != 0)
        .ToImmutableSortedDictionary(failure => (count, failure.Error), static failure => failure.Times);

    private PasidTally Combine(PasidTally other, Func<long, long, long> combine)
    {
        var combined = new PasidTally(_failures.Keys.Union(other._failures.Keys)
            .ToImmutableSortedDictionary(static key => key, key => combine(_failures.GetValueOrDefault(key), other._failures.GetValueOrDefault(key))));
        for (int i = 0; i < _counts.Length; i++)
        {
            combined._counts[i] = combine(_counts[i], other._counts[i]);
        }

        return combined;
    }
}

/// <summary>Names what is counted of a host and never taken back.</summary>
internal enum PasidCount
{
    Allocations,
    Frees,
    AllocatorFailures,
    Binds,
    Unbinds,
    BinderFailures,
    Commands,
    Retries,
    Faults,
    Fixups,
    Requests,
    Responses,
    Overflows,
}

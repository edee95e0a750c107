using System.Collections.Immutable;

namespace Pasid.Internal;

/// <summary>How often each status was answered. Counting is safe for concurrent use.</summary>
internal sealed class StatusCounts
{
    private static readonly ImmutableArray<PasidStatus> s_statuses = [.. Enum.GetValues<PasidStatus>()];

    /// <summary>One count for each defined status, and one for all others together.</summary>
    private readonly long[] _counts = new long[s_statuses.Length + 1];

    public void Count(PasidStatus status)
    {
        int index = s_statuses.IndexOf(status);
        Interlocked.Increment(ref _counts[index < 0 ? s_statuses.Length : index]);
    }

    public IReadOnlyDictionary<PasidStatus, long> Defined()
    {
        var counts = new SortedDictionary<PasidStatus, long>();
        for (int i = 0; i < s_statuses.Length; i++)
        {
            long count = Volatile.Read(ref _counts[i]);
            if (count != 0)
            {
                counts[s_statuses[i]] = count;
            }
        }

        return counts.AsReadOnly();
    }

    /// <summary>Gets how often a status was answered that is not defined: what an IOMMU or a fault injector made up.</summary>
    public long Others() => Volatile.Read(ref _counts[s_statuses.Length]);
}

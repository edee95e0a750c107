namespace Pasid;

/// <summary>Pictures what an allocator has done so far.</summary>
/// <remarks>Immutable; safe for concurrent use. The counts are of one moment, except <see cref="Failures"/>, which may be a call behind.</remarks>
public sealed class IoasidStatistics
{
    internal IoasidStatistics(long allocations, long frees, IReadOnlyDictionary<PasidStatus, long> failures)
    {
        Allocations = allocations;
        Frees = frees;
        Failures = failures;
    }

    /// <summary>Gets how many ids are live.</summary>
    /// <value><see cref="Allocations"/> minus <see cref="Frees"/>.</value>
    public long LiveCount => Allocations - Frees;

    /// <summary>Gets how many ids were allocated.</summary>
    /// <value>Counted from the making of the allocator. A restore counts as a free of all ids and an allocation of those that
    /// it brings.</value>
    public long Allocations { get; }

    /// <summary>Gets how many ids became free again.</summary>
    /// <value>Counted from the making of the allocator. Ids that are no longer known, because their custom allocator was
    /// unregistered, count as freed.</value>
    public long Frees { get; }

    /// <summary>Gets how many calls failed, by status.</summary>
    /// <value>Only statuses that occurred. Look-ups are not counted: they write nothing.</value>
    public IReadOnlyDictionary<PasidStatus, long> Failures { get; }
}

namespace Pasid;

/// <summary>Says what an allocation does when a range has no free id besides those that a quarantine holds back.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum QuarantineExhaustion
{
    /// <summary>It fails, as if the range were exhausted.</summary>
    Fail = 0,

    /// <summary>It gives the id of the range that has been held back longest. O(ids held back).</summary>
    ReleaseOldest = 1,
}

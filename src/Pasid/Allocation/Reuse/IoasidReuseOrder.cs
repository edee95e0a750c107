namespace Pasid;

/// <summary>Says which free id of a range an <see cref="IoasidReusePolicy"/> gives.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum IoasidReuseOrder
{
    /// <summary>The lowest.</summary>
    LowestFirst = 0,

    /// <summary>The lowest above the one that was given last, and then the lowest.</summary>
    Cyclic = 1,

    /// <summary>The lowest that is not held back.</summary>
    Quarantine = 2,
}

namespace Pasid.Internal;

/// <summary>One thing of a table that is not as it has to be.</summary>
internal readonly record struct TableDamage(TableRule Rule, string Message);

/// <summary>What has to hold of a table whenever its gate is free.</summary>
internal enum TableRule
{
    /// <summary>The map, the records and the count say the same of each id, and nothing is kept for ids that need nothing.</summary>
    LiveIds,

    /// <summary>A free id has no data.</summary>
    StaleData,

    /// <summary>References and owners are counted right.</summary>
    Counts,

    /// <summary>An id that is held back is taken and not live, and no more are held back than the policy says.</summary>
    Reuse,
}

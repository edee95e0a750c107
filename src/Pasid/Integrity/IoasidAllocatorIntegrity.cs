using Pasid.Internal;

namespace Pasid;

/// <summary>The check of integrity of an <see cref="IoasidAllocator"/>.</summary>
/// <remarks>All members are safe for concurrent use.</remarks>
public static class IoasidAllocatorIntegrity
{
    /// <summary>Walks every structure and finds what does not agree: map, records, counts, references, owners.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <returns>What is wrong; empty if all is well, which it is unless the library is wrong.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="allocator"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    /// <remarks>The allocator stands still meanwhile; lookups go on. O(live).</remarks>
    public static IReadOnlyList<IntegrityFinding> CheckIntegrity(this IoasidAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        return allocator.Active.FindDamage().ConvertAll(damage => new IntegrityFinding(Broken(damage.Rule), damage.Message)).AsReadOnly();
    }

    private static IntegrityInvariant Broken(TableRule rule) => rule switch
    {
        TableRule.StaleData => IntegrityInvariant.NoStaleData,
        TableRule.Counts => IntegrityInvariant.CountsAgree,
        TableRule.Reuse => IntegrityInvariant.ReuseWaits,
        _ => IntegrityInvariant.LiveIdsAgree,
    };
}

using Pasid.Internal;

namespace Pasid;

/// <content>The check of integrity.</content>
public sealed partial class IoasidAllocator
{
    /// <summary>Walks every structure and finds what does not agree: map, records, counts, references, owners.</summary>
    /// <returns>What is wrong; empty if all is well, which it is unless the library is wrong.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    /// <remarks>The allocator stands still meanwhile; lookups go on. O(live).</remarks>
    public IReadOnlyList<IntegrityFinding> CheckIntegrity()
    {
        List<IntegrityFinding> findings = [];
        IoasidTable table = EnterActive();
        try
        {
            table.CheckUnsynchronized(findings);
        }
        finally
        {
            LeaveActive(table);
        }

        return findings.AsReadOnly();
    }
}

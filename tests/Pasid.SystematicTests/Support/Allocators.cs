namespace Pasid.SystematicTests.Support;

/// <summary>What the tests of schedules call on allocators, answered as text.</summary>
internal static class Allocators
{
    public static string Allocate(IoasidAllocator allocator, uint minimum, uint count, IoasidSet? owner, string data) =>
        allocator.TryAllocate(new IoasidRange(minimum, minimum + count - 1), owner, data, out Ioasid id) ? $"{id}" : "none";

    /// <summary>Allocates one id, with data that names the owner.</summary>
    public static string Take(IoasidAllocator allocator, uint id, IoasidSet? owner) =>
        Allocate(allocator, id, 1, owner, $"{owner?.Name ?? "nobody"}'s");

    public static string Free(IoasidAllocator allocator, uint id) => $"{allocator.Free(new Ioasid(id))}";

    public static string Lookup(IoasidAllocator allocator, uint id, IoasidSet? owner) =>
        $"{allocator.Lookup(new Ioasid(id), owner, predicate: null, out object? data)} {data}";

    public static string Counts(IoasidAllocator allocator)
    {
        IoasidStatistics statistics = allocator.GetStatistics();
        return $"{statistics.Allocations} {statistics.Frees}";
    }

    /// <summary>Describes what is live; throws if the allocator is not whole.</summary>
    public static string State(IoasidAllocator allocator)
    {
        IReadOnlyList<IntegrityFinding> findings = allocator.CheckIntegrity();
        IEnumerable<string> ids = allocator.LiveIds().ToArray().Select(id => $"{id} {Lookup(allocator, id.Value, null)}");
        return findings.Count == 0 ? string.Join("; ", ids) : throw new InvalidOperationException(findings[0].ToString());
    }
}

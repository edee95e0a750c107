using System.Diagnostics;

namespace Pasid.Internal;

/// <summary>What a debugger shows of an allocator: its counts and its first live ids.</summary>
internal sealed class IoasidAllocatorDebugView(IoasidAllocator allocator)
{
    private const int Shown = 100;

    public IoasidStatistics Statistics => allocator.GetStatistics();

    /// <summary>Gets the lowest live ids with their data, at most 100.</summary>
    [DebuggerBrowsable(DebuggerBrowsableState.RootHidden)]
    public Item[] Items => [.. allocator.LiveIds().Take(Shown).Select(Show)];

    private Item Show(Ioasid id)
    {
        allocator.Lookup(id, out object? data);
        return new Item(id, allocator.GetReferenceCount(id), data);
    }

    [DebuggerDisplay("{Data}, references {References}", Name = "{Id}")]
    internal sealed record Item(Ioasid Id, long References, object? Data);
}

using System.Diagnostics;

namespace Pasid.Internal;

/// <summary>What a debugger shows of an allocator: its counts and its first live ids.</summary>
internal sealed class IoasidAllocatorDebugView(IoasidAllocator allocator)
{
    private const int Shown = 100;

    public IoasidStatistics Statistics => allocator.GetStatistics();

    /// <summary>Gets the lowest live ids with their data, at most 100.</summary>
    [DebuggerBrowsable(DebuggerBrowsableState.RootHidden)]
    public Item[] Items
    {
        get
        {
            var items = new List<Item>();
            foreach (Ioasid id in allocator.LiveIds())
            {
                allocator.Lookup(id, null, null, out object? data);
                items.Add(new Item(id, allocator.GetReferenceCount(id), data));
                if (items.Count == Shown)
                {
                    break;
                }
            }

            return [.. items];
        }
    }

    [DebuggerDisplay("{Data}, references {References}", Name = "{Id}")]
    internal sealed record Item(Ioasid Id, long References, object? Data);
}

using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>All binders with one name; guarded by the meter.</summary>
internal sealed class HostFigures
{
    public List<PasidMetrics> Live { get; } = [];

    /// <summary>Gets or sets what the binders counted that are disposed.</summary>
    public PasidTally Past { get; set; } = PasidTally.Nothing;

    /// <summary>Gets or sets the number of the last disposal of a binder; 0 if there was none.</summary>
    public long LastRetirement { get; set; }
}

/// <summary>What is known of an allocator; guarded by the meter.</summary>
internal sealed class AllocatorCounts
{
    /// <summary>Gets or sets the highest counts that were read: two that read at once may come here in either order.</summary>
    public PasidTally Seen { get; set; } = PasidTally.Nothing;

    /// <summary>Gets what of the counts is among the past ones of each host.</summary>
    public Dictionary<HostFigures, PasidTally> Past { get; } = [];

    public PasidTally PastOf(HostFigures host) => Past.GetValueOrDefault(host) ?? PasidTally.Nothing;

    /// <summary>Takes what was just read.</summary>
    /// <returns>What came since some past counts.</returns>
    public PasidTally See(PasidTally ids, PasidTally past) => (Seen = Seen.Max(ids)).Minus(past);
}

/// <summary>A host as of one moment; made while the meter holds its gate.</summary>
internal sealed class HostPicture
{
    private const string HostTag = "pasid.host";

    private readonly bool _hasPast;

    public HostPicture(string name, HostFigures host, ConditionalWeakTable<IoasidAllocator, AllocatorCounts> allocators)
    {
        Tags = name.Length == 0 ? [] : [new(HostTag, name)];
        Past = host.Past;
        _hasPast = host.LastRetirement != 0;
        Binders = [.. host.Live.Select(static metrics => metrics.Binder).OfType<IMeteredHost>()];
        Allocators =
        [
            .. Binders.Select(static binder => binder.Allocator).OfType<IoasidAllocator>().Distinct<IoasidAllocator>(ReferenceEqualityComparer.Instance)
                .Select(allocator => (allocator, allocators.GetOrCreateValue(allocator).PastOf(host))),
        ];
    }

    public KeyValuePair<string, object?>[] Tags { get; }

    public PasidTally Past { get; }

    public IMeteredHost[] Binders { get; }

    /// <summary>Gets the allocators, each with what of its counts is in <see cref="Past"/>.</summary>
    public (IoasidAllocator Allocator, PasidTally Past)[] Allocators { get; }

    /// <summary>Tells whether the host has a figure: only the library's own allocators count what they did.</summary>
    public bool HasPart(PasidCount count) =>
        count is not (PasidCount.Allocations or PasidCount.Frees) || Allocators.Length != 0 || (_hasPast && Past[PasidCount.Allocations] != 0);
}

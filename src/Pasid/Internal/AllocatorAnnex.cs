using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What an allocator has that most never need: apart, so that the others stay small.</summary>
internal sealed class AllocatorAnnex(ILogger? logger, IoasidReusePolicy reusePolicy)
{
    private CustomRegistry? _registry;
    private PastCounts? _past;

    public ILogger? Logger { get; } = logger;

    public IoasidReusePolicy ReusePolicy { get; } = reusePolicy;

    /// <summary>Gets the calls that failed.</summary>
    public StatusCounts Failures { get; } = new();

    /// <summary>Gets the custom allocators; <see langword="null"/> until the first is registered.</summary>
    public CustomRegistry? Registry => Volatile.Read(ref _registry);

    /// <summary>Gets the counts of the tables that are gone; another object each time they change.</summary>
    public PastCounts? Past => Volatile.Read(ref _past);

    /// <summary>Gets the custom allocators; makes the registry with <paramref name="defaultTable"/> if there is none.</summary>
    public CustomRegistry EnsureRegistry(IoasidTable defaultTable) =>
        Registry ?? Interlocked.CompareExchange(ref _registry, new CustomRegistry(defaultTable), null) ?? _registry;

    /// <summary>Takes the ids of a table that is gone as allocated and freed.</summary>
    public void CountAsPast(IoasidTable table)
    {
        table.GetCounts(out long allocations, out _);
        Volatile.Write(ref _past, new PastCounts((_past?.Ids ?? 0) + allocations));
    }

    /// <summary>How many ids were allocated in tables that are gone; all of them count as freed.</summary>
    internal sealed record PastCounts(long Ids);
}

namespace Pasid.Tool.Scenarios;

/// <summary>The hardware and processes of a binder scenario.</summary>
internal sealed record Topology(
    int PasidLimit,
    bool IsDmarDisabled,
    IReadOnlyList<TopologyIommu> Iommus,
    IReadOnlyList<TopologyDevice> Devices,
    IReadOnlyList<string> AddressSpaces)
{
    public IReadOnlyList<TopologyWorkQueue> WorkQueues { get; init; } = [];

    /// <summary>Gets how many descriptors each page request queue has.</summary>
    public int QueueCapacity { get; init; } = PageRequestQueueOptions.DefaultCapacity;

    /// <summary>Gets a value indicating whether an IOMMU answers itself what never reaches its queue.</summary>
    public bool HardwareAnswers { get; init; } = true;

    /// <summary>Gets the limits of regions that grow.</summary>
    public StackLimits Stacks { get; init; } = new();

    public int AddressWidth { get; init; } = 48;

    /// <summary>Gets where each address space stands among those that are there at first.</summary>
    public IReadOnlyDictionary<string, int> Positions { get; } =
        AddressSpaces.Select(KeyValuePair.Create<string, int>).DistinctBy(position => position.Key).ToDictionary(StringComparer.Ordinal);

    public bool CpuHasEnqcmd { get; init; } = true;
}

/// <summary>A work queue of a device: shared, with the PASID in each command, or dedicated, with the PASID configured.</summary>
internal sealed record TopologyWorkQueue(string Name, string Device, bool IsShared, int Capacity);

internal sealed record TopologyIommu(string Name, bool SupportsSupervisor, bool IsSvmCapable);

internal sealed record TopologyDevice(
    string Name,
    string? Iommu,
    bool IsPci,
    int MaxPasids,
    bool SupportsPasid,
    PasidStatus EnableStatus,
    ushort SourceId,
    bool HasAts,
    bool HasPri);

/// <summary>The limits of regions that grow, in bytes; <see langword="null"/> for that of the library.</summary>
internal sealed record StackLimits(ulong? Limit = null, ulong? GuardGap = null, ulong? MinimumAddress = null);

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

    /// <summary>Gets how many descriptors the page request queue has.</summary>
    public int QueueCapacity { get; init; } = PageRequestQueue.DefaultCapacity;

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
    bool HasAts);

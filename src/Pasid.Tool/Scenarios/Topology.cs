namespace Pasid.Tool.Scenarios;

/// <summary>The hardware and processes of a binder scenario.</summary>
internal sealed record Topology(
    int PasidLimit,
    bool IsDmarDisabled,
    IReadOnlyList<TopologyIommu> Iommus,
    IReadOnlyList<TopologyDevice> Devices,
    IReadOnlyList<string> AddressSpaces);

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

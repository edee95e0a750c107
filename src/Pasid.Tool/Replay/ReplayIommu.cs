using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <summary>An IOMMU that answers an enabling as the topology says, and everything else with success.</summary>
internal sealed class ReplayIommu(TopologyIommu topology) : IIommu
{
    public string Name => topology.Name;

    public bool IsSvmCapable => topology.IsSvmCapable;

    public bool SupportsSupervisor => topology.SupportsSupervisor;

    public Dictionary<SvmDevice, PasidStatus> EnableStatuses { get; } = [];

    public PasidStatus EnablePasid(SvmDevice device) => EnableStatuses[device];

    public PasidStatus SetUpPasidEntry(SvmDevice device, Ioasid pasid, AddressSpace? addressSpace) => PasidStatus.Success;

    public void TearDownPasidEntry(SvmDevice device, Ioasid pasid)
    {
    }

    public void Flush(SvmDevice device, Ioasid pasid)
    {
    }
}

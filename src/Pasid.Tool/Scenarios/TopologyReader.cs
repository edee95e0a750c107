namespace Pasid.Tool.Scenarios;

/// <summary>Reads the hardware and processes of a binder scenario.</summary>
internal static class TopologyReader
{
    public static Topology Read(KeyReader keys)
    {
        var topology = new Topology(
            (int)keys.Integer("pasid_max_id", 0, IoasidRange.PasidLimit),
            keys.Boolean("dmar_disabled"),
            [.. keys.Objects("iommus", "an IOMMU").Select(ReadIommu)],
            [.. keys.Objects("devices", "a device").Select(ReadDevice)],
            keys.Strings("mms"));
        keys.End();

        CheckUnique(keys, "IOMMU", topology.Iommus.Select(iommu => iommu.Name));
        CheckUnique(keys, "device", topology.Devices.Select(device => device.Name));
        CheckUnique(keys, "mm", topology.AddressSpaces);
        foreach (TopologyDevice device in topology.Devices)
        {
            if (device.Iommu is not null && topology.Iommus.All(iommu => iommu.Name != device.Iommu))
            {
                throw keys.Malformed($"the device '{device.Name}' is behind the unknown IOMMU '{device.Iommu}'");
            }
        }

        return topology;
    }

    private static TopologyIommu ReadIommu(KeyReader keys)
    {
        var iommu = new TopologyIommu(keys.String("name"), keys.Boolean("supervisor"), keys.OptionalBoolean("svm_capable", absent: true));
        keys.End();
        return iommu;
    }

    private static TopologyDevice ReadDevice(KeyReader keys)
    {
        var device = new TopologyDevice(
            keys.String("name"),
            keys.StringOrNull("iommu"),
            keys.Boolean("pci"),
            (int)keys.Integer("max_pasids", int.MinValue, int.MaxValue),
            keys.Boolean("pasid_supported"),
            (PasidStatus)keys.Integer("enable_pasid", int.MinValue, 0),
            (ushort)keys.Integer("sid", ushort.MinValue, ushort.MaxValue),
            keys.Boolean("ats"));
        keys.End();
        return device;
    }

    private static void CheckUnique(KeyReader keys, string what, IEnumerable<string> names)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!seen.Add(name))
            {
                throw keys.Malformed($"the {what} '{name}' is there twice");
            }
        }
    }
}

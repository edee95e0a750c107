using System.Numerics;

namespace Pasid.Tool.Scenarios;

/// <summary>Reads the hardware and processes of a binder scenario.</summary>
internal static class TopologyReader
{
    public static Topology Read(KeyReader keys, FileFormat format)
    {
        var topology = new Topology(
            (int)keys.Integer("pasid_max_id", 0, IoasidRange.PasidLimit),
            keys.Boolean("dmar_disabled"),
            [.. keys.Objects("iommus", "an IOMMU").Select(ReadIommu)],
            [.. keys.Objects("devices", "a device").Select(ReadDevice)],
            keys.Strings("mms"));
        if (format != FileFormat.Recording)
        {
            topology = topology with
            {
                QueueCapacity = Capacity(keys),
                AddressWidth = (int)(keys.OptionalInteger("address_width", 48, 57) ?? 48),
                HardwareAnswers = format == FileFormat.Scenario && keys.OptionalBoolean("hardware_answers", absent: true),
            };
        }

        if (format == FileFormat.Scenario)
        {
            topology = topology with
            {
                WorkQueues = [.. keys.OptionalObjects("work_queues", "a work queue").Select(ReadWorkQueue)],
                CpuHasEnqcmd = keys.OptionalBoolean("enqcmd", absent: true),
            };
        }

        keys.End();
        if (topology.AddressWidth is not (48 or 57))
        {
            throw keys.Malformed("'address_width' of the topology must be 48 or 57");
        }

        CheckUnique(keys, "work queue", topology.WorkQueues.Select(queue => queue.Name));
        HashSet<string> devices = topology.Devices.Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
        foreach (TopologyWorkQueue queue in topology.WorkQueues)
        {
            if (!devices.Contains(queue.Device))
            {
                throw keys.Malformed($"the work queue '{queue.Name}' is of the unknown device '{queue.Device}'");
            }
        }

        CheckUnique(keys, "IOMMU", topology.Iommus.Select(iommu => iommu.Name));
        CheckUnique(keys, "device", topology.Devices.Select(device => device.Name));
        CheckUnique(keys, "mm", topology.AddressSpaces);
        HashSet<string> iommus = topology.Iommus.Select(iommu => iommu.Name).ToHashSet(StringComparer.Ordinal);
        foreach (TopologyDevice device in topology.Devices)
        {
            if (device.Iommu is not null && !iommus.Contains(device.Iommu))
            {
                throw keys.Malformed($"the device '{device.Name}' is behind the unknown IOMMU '{device.Iommu}'");
            }
        }

        return topology;
    }

    private static int Capacity(KeyReader keys)
    {
        int capacity = (int)(keys.OptionalInteger("queue_capacity", 2, 1 << 20) ?? PageRequestQueueOptions.DefaultCapacity);
        return BitOperations.IsPow2(capacity) ? capacity : throw keys.Malformed("'queue_capacity' of the topology must be a power of two");
    }

    private static TopologyWorkQueue ReadWorkQueue(KeyReader keys)
    {
        var queue = new TopologyWorkQueue(keys.String("name"), keys.String("dev"), keys.Boolean("shared"), (int)keys.Integer("capacity", 1, 1 << 20));
        keys.End();
        return queue;
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
            keys.Boolean("ats"),
            keys.OptionalBoolean("pri", absent: true));
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

using Pasid.Internal;

namespace Pasid;

/// <content>Pictures of the state, for users who compare, print or debug.</content>
public sealed partial class SvmBinder
{
    /// <inheritdoc/>
    public IReadOnlyList<SvmBindingInfo> GetBindings()
    {
        EnterGate();
        try
        {
            return CollectRecords()
                .ConvertAll(record => new SvmBindingInfo(record.Pasid, record.AddressSpace, record.Flags, PictureDevices(record).AsReadOnly()))
                .AsReadOnly();
        }
        finally
        {
            _gate.Leave();
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Ioasid> GetLeakedPasids()
    {
        EnterGate();
        try
        {
            return _leakedPasids?.InOrder.ToArray() ?? [];
        }
        finally
        {
            _gate.Leave();
        }
    }

    /// <summary>Collects all bindings, oldest first.</summary>
    private List<SvmRecord> CollectRecords()
    {
        var records = new List<SvmRecord>(_bindingCount);
        Collect(_newestOfSupervisor, records);
        for (AddressSpace? addressSpace = _newestKept; addressSpace is not null; addressSpace = addressSpace.KeptBefore)
        {
            Collect(addressSpace.NewestRegistered, records);
        }

        records.Sort((left, right) => left.Number.CompareTo(right.Number));
        return records;
    }

    private static void Collect(SvmRecord? newest, List<SvmRecord> records)
    {
        for (SvmRecord? record = newest; record is not null; record = record.Older)
        {
            records.Add(record);
        }
    }

    private static List<SvmDeviceInfo> PictureDevices(SvmRecord record)
    {
        List<SvmDeviceInfo> devices = [];
        for (SvmDeviceRecord? deviceRecord = record.NewestDevice; deviceRecord is not null; deviceRecord = deviceRecord.Older)
        {
            devices.Add(new SvmDeviceInfo(deviceRecord.Device, deviceRecord.Users, deviceRecord.Callbacks));
        }

        return devices;
    }
}

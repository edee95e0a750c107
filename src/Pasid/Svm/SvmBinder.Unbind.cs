using Pasid.Internal;

namespace Pasid;

/// <content>The way of an unbind.</content>
public sealed partial class SvmBinder
{
    private void UnbindUnsynchronized(SvmRecord record, SvmDeviceRecord deviceRecord)
    {
        if (deviceRecord.Users > 1)
        {
            deviceRecord.Users--;
            return;
        }

        TearDownEntry(deviceRecord.Device, deviceRecord.Device.Iommu!, record.Pasid);
        deviceRecord.Users = 0;
        record.RemoveDevice(deviceRecord);
        Flush(deviceRecord.Device, record);
        if (record.NewestDevice is null)
        {
            Unlink(record);
            ReleasePasid(record);
            UnregisterNotifier(record);
        }
    }

    private void Unlink(SvmRecord record)
    {
        if (record.Older is null)
        {
            _oldest = record.Newer;
        }
        else
        {
            record.Older.Newer = record.Newer;
        }

        if (record.Newer is null)
        {
            _newest = record.Older;
        }
        else
        {
            record.Newer.Older = record.Older;
        }

        _bindingCount--;
        if (ReferenceEquals(_supervisorRecord, record))
        {
            _supervisorRecord = null;
        }

        if (record.AddressSpace is { } addressSpace && ReferenceEquals(addressSpace.SharedRecord, record))
        {
            addressSpace.SharedRecord = null;
        }
    }

    /// <summary>Parts a binding without devices from its PASID. The kernel does so before it unregisters the notifier.</summary>
    private void ReleasePasid(SvmRecord record)
    {
        if (Profile.Lifetime == PasidLifetime.Binding)
        {
            FreePasid(record.Pasid, record);
        }
        else if (record.IsShared && record.AddressSpace is not null)
        {
            ClearData(record);
        }
        else if (Profile.Has(KernelQuirks.PrivateAndSupervisorPasidsLeak) && !_isDisposed)
        {
            ClearData(record);
            (_leakedPasids ??= []).Add(record.Pasid);
        }
        else
        {
            FreePasid(record.Pasid, record);
        }
    }

    /// <summary>Drops the pin of a binding on its address space, if it holds one; the last pin of one that has exited destroys it.</summary>
    private void UnregisterNotifier(SvmRecord record)
    {
        if (!record.IsRegistered)
        {
            return;
        }

        AddressSpace addressSpace = record.AddressSpace!;
        addressSpace.RemoveRegistration(record);
        Observe(SvmEventKind.NotifierUnregistered, addressSpace: addressSpace);
        if (addressSpace.HasExited && addressSpace.NewestRegistered is null)
        {
            Destroy(addressSpace);
        }

        UpdateKept(addressSpace);
    }
}

using System.Runtime.CompilerServices;
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
            CountUnbind(deviceRecord.Device, record.Pasid);
            return;
        }

        SvmDevice device = deviceRecord.Device;
        TearDownEntry(device, device.Iommu!, record.Pasid);
        if (_pauses is not null && _queues.Length != 0 && !DrainPageRequests(record, deviceRecord))
        {
            return;
        }

        CountUnbind(device, record.Pasid);
        deviceRecord.Users = 0;
        record.RemoveDevice(deviceRecord);
        _spareDevices.Keep(deviceRecord);
        Flush(device, record);
        if (record.NewestDevice is null)
        {
            Unlink(record);
            ReleasePasid(record);
            UnregisterNotifier(record);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountUnbind(SvmDevice device, Ioasid pasid)
    {
        _unbinds++;
        if (_logger is not null)
        {
            _operation.Unbound = device;
            _operation.UnboundPasid = pasid;
        }
    }

    /// <summary>Takes a binding from where <see cref="Link"/> put it; it may still be registered with its address space.</summary>
    private void Unlink(SvmRecord record)
    {
        _bindingCount--;
        if (record.AddressSpace is not { } addressSpace)
        {
            SvmRecordList.Remove(ref _newestOfSupervisor, record);
            if (ReferenceEquals(_supervisorRecord, record))
            {
                _supervisorRecord = null;
            }
        }
        else if (ReferenceEquals(addressSpace.SharedRecord, record))
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
        else if (record.IsShared && record.AddressSpace is { } addressSpace)
        {
            addressSpace.SpareRecord = record;
            if (addressSpace.HasExited && ReferenceEquals(addressSpace.NewestRegistered, record) && record.Older is null && addressSpace.ExtraPins == 0 && !LosesPasids)
            {
                // The address space is destroyed next, and the PASID freed. A lookup beside must not find it allocated
                // without data meanwhile, which it neither was before this unbind nor is after it.
                Observe(SvmEventKind.DataCleared, record.Pasid);
                return;
            }

            ClearData(record);
        }
        else if (Profile.Has(KernelQuirks.PrivateAndSupervisorPasidsLeak) && !_isDisposed)
        {
            ClearData(record);
            Leak(record.Pasid);
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
        record.IsRegistered = false;
        SvmRecordList.Remove(ref addressSpace.NewestRegistered, record);
        Observe(SvmEventKind.NotifierUnregistered, addressSpace: addressSpace);
        if (addressSpace.HasExited && !IsPinned(addressSpace))
        {
            Destroy(addressSpace);
        }

        UpdateKept(addressSpace);
    }
}

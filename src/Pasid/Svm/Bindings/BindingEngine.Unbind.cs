using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <content>The way of an unbind.</content>
internal sealed partial class BindingEngine
{
    /// <summary>Undoes one bind of a device to a PASID.</summary>
    public PasidStatus Unbind(in Operation operation, SvmDevice device, Ioasid pasid)
    {
        long deadline = 0;
        while (true)
        {
            // What Lookup.Find does for a device, at hand: most unbinds call nothing for it.
            SvmRecord? record = device.Iommu is null ? null : FindSimply(pasid);
            PasidStatus status = record is not null ? PasidStatus.Success
                : device.Iommu is null ? PasidStatus.InvalidArgument
                : Lookup.Find(pasid, out record);
            SvmDeviceRecord? deviceRecord = record?.FindDevice(device);
            if (deviceRecord is null)
            {
                return status == PasidStatus.Success ? PasidStatus.InvalidArgument : status;
            }

            if (!MayHaveToWait(deviceRecord) || !Queues.TryWaitForTurn(in operation, deviceRecord.IsDraining, deviceRecord.Users == 1, ref deadline))
            {
                Unbind(in operation, record!, deviceRecord);
                return PasidStatus.Success;
            }

            _gate.ThrowIfDisposed();
        }
    }

    /// <summary>Undoes the very bind that a handle names, not its number: the PASID may have been freed and given to others since, and
    /// under ForkCopiesPasid it may have been pointed at another binding. The kernel would miss this one then.</summary>
    /// <param name="record">The binding.</param>
    /// <param name="deviceRecord">The device in it.</param>
    /// <param name="isOver">Set once the handle has nothing to undo any more, also if something is thrown then.</param>
    public void Unbind(SvmRecord record, SvmDeviceRecord deviceRecord, ref bool isOver)
    {
        using (Operation operation = _gate.EnterAnyhow())
        {
            try
            {
                long deadline = 0;
                while (MayHaveToWait(deviceRecord) && Queues.TryWaitForTurn(in operation, deviceRecord.IsDraining, deviceRecord.Users == 1, ref deadline))
                {
                    // What was waited for is over, and another one may have begun.
                }

                if (!_gate.IsDisposed && deviceRecord.Users != 0 && LeadsTo(record))
                {
                    isOver = deviceRecord.Users > 1;
                    Unbind(in operation, record, deviceRecord);
                }
            }
            finally
            {
                isOver |= _gate.IsDisposed || deviceRecord.Users == 0;
            }
        }

        isOver = true;
    }

    private bool LeadsTo(SvmRecord record) =>
        ReferenceEquals(FindSimply(record.Pasid), record)
        || (Lookup.Find(record.Pasid, out SvmRecord? current) == PasidStatus.Success && ReferenceEquals(current, record));

    private bool MayHaveToWait(SvmDeviceRecord deviceRecord) => deviceRecord.IsDraining || _gate.HasStandstill;

    private void Unbind(in Operation operation, SvmRecord record, SvmDeviceRecord deviceRecord)
    {
        if (deviceRecord.Users > 1)
        {
            deviceRecord.Users--;
            CountUnbind(in operation, deviceRecord.Device, record.Pasid);
            return;
        }

        SvmDevice device = deviceRecord.Device;
        _steps.TearDownEntry(in operation, device, device.Iommu!, record.Pasid);
        if (_steps.FlushFollowsTearDown)
        {
            _steps.Flush(in operation, device, record.FirstDevice, record.Pasid);
        }

        if (Queues.NeedsDrain && !TryDrain(in operation, record, deviceRecord))
        {
            return;
        }

        CountUnbind(in operation, device, record.Pasid);
        deviceRecord.Users = 0;
        record.Devices.Remove(deviceRecord);
        if (deviceRecord.IsDraining)
        {
            // Not before: page requests would find the device again, and come in behind the drain.
            deviceRecord.IsDraining = false;
        }

        _spareDevices.Keep(deviceRecord);
        if (_steps.FlushFollowsRelease)
        {
            _steps.Flush(in operation, device, record.FirstDevice, record.Pasid);
        }

        if (record.NewestDevice is null)
        {
            End(in operation, record);
        }
    }

    /// <summary>
    /// Has requests of a PASID answered before a device lets go of it. The device stays bound meanwhile, and who wants to bind or
    /// unbind it waits; page requests find it no more.
    /// </summary>
    /// <returns><see langword="false"/> if the binder was disposed meanwhile, which has unbound the device.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryDrain(in Operation operation, SvmRecord record, SvmDeviceRecord deviceRecord)
    {
        SvmDevice device = deviceRecord.Device;
        if (!device.IsPci && Profile.Has(KernelQuirks.DrainWarnsOutsidePci))
        {
            _steps.Observe(in operation, SvmEventKind.KernelWarned, record.Pasid, device, device.Iommu);
            return true;
        }

        if (!device.HasPri)
        {
            return true;
        }

        // In this order: who brings a request in looks for the mark once more when it finds that this was counted.
        deviceRecord.IsDraining = true;
        Queues.CountTearDown();
        Queues.Drain(in operation, device, record.Pasid, isLast: record.NewestDevice is { Older: null });
        bool isAgain = true;
        while (isAgain && !_gate.IsDisposed)
        {
            _steps.Observe(in operation, SvmEventKind.PageRequestsDrained, record.Pasid, device, device.Iommu);
            isAgain = Queues.TryClearOverflow(in operation, device);
        }

        if (!_gate.IsDisposed)
        {
            return true;
        }

        deviceRecord.IsDraining = false;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountUnbind(in Operation operation, SvmDevice device, Ioasid pasid)
    {
        Unbinds++;
        if (_gate.Logger is not null)
        {
            NoteUnbound(in operation, device, pasid);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void NoteUnbound(in Operation operation, SvmDevice device, Ioasid pasid) =>
        operation.NoteSimply(device, pasid.Value, static (logger, unbound, number) => logger.Unbound((SvmDevice)unbound, new Ioasid(number)));
}

using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>The way of a bind: each step that can fail has its undo beside it.</content>
internal sealed partial class BindingEngine
{
    /// <summary>Binds a device; where that fails, <see cref="Failure"/> says why.</summary>
    public PasidStatus Bind(in Operation operation, SvmDevice device, AddressSpace? bound, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks, out SvmRecord? record)
    {
        record = null;
        PasidStatus status = _devices.Check(device, flags, out uint width);
        if (status != PasidStatus.Success)
        {
            return Fail(status, new(_devices.FindFailure(device, status)));
        }

        if (bound is { HasLeft: true })
        {
            return Fail(PasidStatus.InvalidArgument, new(BindFailureKind.HasLeft));
        }

        bool isShared = (flags & SvmBindFlags.Private) == 0;
        SvmRecord? shared = isShared ? Table.FindShared(bound) : null;
        Ioasid remembered = isShared && bound is not null ? bound.Pasid : Ioasid.Invalid;
        if (shared is not null)
        {
            if (shared.Pasid.Value >= width)
            {
                return Fail(PasidStatus.NoSpace, new(BindFailureKind.TooWide));
            }

            if (shared.FindDevice(device) is { } deviceRecord)
            {
                return deviceRecord.IsDraining
                    ? BindAfterDrain(in operation, device, bound, flags, callbacks, out record)
                    : BindAgain(shared, deviceRecord, callbacks, out record);
            }
        }
        else if (remembered.IsValid && remembered.Value >= width && !Profile.Has(KernelQuirks.RebindSkipsWidthCheck))
        {
            return Fail(PasidStatus.NoSpace, new(BindFailureKind.TooWide));
        }

        status = PrepareDevice(in operation, device, bound);
        if (status != PasidStatus.Success)
        {
            return Fail(status, FailureOf(BindFailureKind.EnableRefused));
        }

        if (!device.SupportsPasid)
        {
            return Fail(PasidStatus.OperationNotSupported, new(BindFailureKind.NoPasidSupport, ReportsSuccess: Profile.Has(KernelQuirks.UnsupportedDeviceReportsSuccess)));
        }

        return shared is null
            ? BindFirst(in operation, _spareDevices.Take(device, callbacks), bound, flags, width, remembered, out record)
            : BindFurther(in operation, shared, _spareDevices.Take(device, callbacks), out record);
    }

    /// <summary>Makes a device ready to be bound, as a bind does that wants no PASID.</summary>
    public PasidStatus Enable(in Operation operation, SvmDevice device, SvmBindFlags flags)
    {
        PasidStatus status = _devices.Check(device, flags, out _);
        return status == PasidStatus.Success ? PrepareDevice(in operation, device, addressSpace: null) : status;
    }

    /// <summary>Binds a device that an unbind is draining, once that is over: nothing has changed yet, and all begins anew.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus BindAfterDrain(in Operation operation, SvmDevice device, AddressSpace? bound, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks, out SvmRecord? record)
    {
        // A loop, and not a bind that comes back here: the signal tells of the drains of all devices, and there is no end to these.
        while (Table.FindShared(bound)?.FindDevice(device) is { IsDraining: true })
        {
            Queues.WaitForPause(in operation, Timeout.Infinite);
            _gate.ThrowIfDisposed();
        }

        return Bind(in operation, device, bound, flags, callbacks, out record);
    }

    /// <summary>Makes the device ready to be bound. The kernel does not take the enabling back if the bind fails later.</summary>
    private PasidStatus PrepareDevice(in Operation operation, SvmDevice device, AddressSpace? addressSpace)
    {
        PasidStatus status = _steps.Inject(in operation, SvmFaultPoint.DeviceRecord, device, addressSpace);
        return status == PasidStatus.Success ? _steps.EnablePasid(in operation, device) : status;
    }

    /// <summary>A device that is bound already: no step is taken, so none is told.</summary>
    private PasidStatus BindAgain(SvmRecord shared, SvmDeviceRecord deviceRecord, ISvmDeviceCallbacks? callbacks, out SvmRecord? record)
    {
        record = null;
        if (!ReferenceEquals(deviceRecord.Callbacks, callbacks))
        {
            return Fail(PasidStatus.Busy, new(BindFailureKind.OtherCallbacks));
        }

        if (deviceRecord.Users == long.MaxValue)
        {
            return Fail(PasidStatus.Overflow, new(BindFailureKind.BoundTooOften));
        }

        deviceRecord.Users++;
        record = shared;
        Binds++;
        return PasidStatus.Success;
    }

    /// <summary>A further device of a binding.</summary>
    private PasidStatus BindFurther(in Operation operation, SvmRecord shared, SvmDeviceRecord deviceRecord, out SvmRecord? record)
    {
        record = null;
        PasidStatus status = _steps.SetUpEntry(in operation, deviceRecord.Device, shared.Pasid, shared.AddressSpace, shared.FirstDevice);
        if (status != PasidStatus.Success)
        {
            return Fail(status, FailureOf(BindFailureKind.SetUpRefused));
        }

        shared.Devices.Add(deviceRecord);
        record = shared;
        Binds++;
        return PasidStatus.Success;
    }

    /// <summary>The first device of a new binding.</summary>
    private PasidStatus BindFirst(
        in Operation operation, SvmDeviceRecord deviceRecord, AddressSpace? addressSpace, SvmBindFlags flags, uint width, Ioasid remembered, out SvmRecord? record)
    {
        record = null;
        SvmDevice device = deviceRecord.Device;
        PasidStatus status = _steps.Inject(in operation, SvmFaultPoint.SvmRecord, device, addressSpace);
        if (status != PasidStatus.Success)
        {
            return Fail(status, FailureOf(BindFailureKind.Injected));
        }

        SvmRecord first = remembered.IsValid ? TakeSpareRecord(addressSpace!, device) : new SvmRecord(this, addressSpace, flags) { FirstDevice = device };
        BindFailureKind kind = remembered.IsValid ? BindFailureKind.RememberedRefused : BindFailureKind.Exhausted;
        try
        {
            status = Numbers.Take(in operation, first, width, remembered);
            if (status == PasidStatus.Success)
            {
                kind = BindFailureKind.Injected;
                status = Register(in operation, first, device);
            }

            if (status == PasidStatus.Success)
            {
                kind = BindFailureKind.SetUpRefused;
                status = _steps.SetUpEntry(in operation, device, first.Pasid, addressSpace, first.FirstDevice);
            }
        }
        catch (Exception exception)
        {
            operation.Complete();
            operation.Defer(exception);
            UndoFirst(in operation, first, remembered);
            throw;
        }

        if (status != PasidStatus.Success)
        {
            BindFailure failure = FailureOf(kind);
            operation.Complete();
            UndoFirst(in operation, first, remembered);
            return Fail(status, failure with { ReportsSuccess = kind == BindFailureKind.Exhausted && Profile.Has(KernelQuirks.ExhaustionReportsSuccess) });
        }

        first.Devices.Add(deviceRecord);
        Link(first);
        first.Publish();
        record = first;
        Binds++;
        return PasidStatus.Success;
    }

    private SvmRecord TakeSpareRecord(AddressSpace addressSpace, SvmDevice device)
    {
        if (addressSpace.SpareRecord is not { } record)
        {
            return new SvmRecord(this, addressSpace, SvmBindFlags.None) { FirstDevice = device };
        }

        addressSpace.Spare = null;
        if (!ReferenceEquals(record.FirstDevice, device))
        {
            record.FirstDevice = device;
        }

        return record;
    }

    private PasidStatus Register(in Operation operation, SvmRecord record, SvmDevice device)
    {
        if (record.AddressSpace is not { } addressSpace)
        {
            return PasidStatus.Success;
        }

        PasidStatus status = _steps.Inject(in operation, SvmFaultPoint.NotifierRegistration, device, addressSpace);
        if (status == PasidStatus.Success)
        {
            record.IsRegistered = true;
            NotifierList.Add(ref addressSpace.NewestNotifier, record);
        }

        _steps.Observe(in operation, SvmEventKind.NotifierRegistered, addressSpace: addressSpace, status: status);
        return status;
    }

    private void UndoFirst(in Operation operation, SvmRecord record, Ioasid remembered)
    {
        Unregister(in operation, record);
        Numbers.Undo(in operation, record, remembered);
    }

    /// <summary>Puts a binding that is complete where binds and pictures look for it.</summary>
    public void Link(SvmRecord record)
    {
        Table.Add(record);
        Numbers.Keep(record);
        if (record.AddressSpace is { } addressSpace)
        {
            Processes.UpdateKept(addressSpace);
        }
    }

    /// <summary>Tells which way the step failed that failed last.</summary>
    private BindFailure FailureOf(BindFailureKind kind) =>
        _steps.Injected is { } point ? new(BindFailureKind.Injected, point) : new(kind);

    private PasidStatus Fail(PasidStatus status, BindFailure failure)
    {
        Failure = failure;
        return status;
    }
}

using System.Runtime.CompilerServices;
using Pasid.Internal;

namespace Pasid;

/// <content>The way of a bind: each step that can fail has its undo beside it.</content>
public sealed partial class SvmBinder
{
    private BindResult BindUnsynchronized(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks)
    {
        PasidStatus status = CheckDevice(device, flags, out uint width);
        if (status != PasidStatus.Success)
        {
            return BindResult.Failed(status, FindFailure(device, status));
        }

        AddressSpace? bound = (flags & SvmBindFlags.Supervisor) != 0 ? null : addressSpace;
        if (bound is { HasExited: true })
        {
            return BindResult.Failed(PasidStatus.InvalidArgument, BindFailure.HasExited);
        }

        bool isShared = (flags & SvmBindFlags.Private) == 0;
        SvmRecord? record = !isShared ? null : bound is null ? _supervisorRecord : bound.SharedRecord;
        Ioasid remembered = isShared && bound is not null ? bound.Pasid : Ioasid.Invalid;
        if (record is not null)
        {
            if (record.Pasid.Value >= width)
            {
                return BindResult.Failed(PasidStatus.NoSpace, BindFailure.TooWide);
            }

            if (record.FindDevice(device) is { } deviceRecord)
            {
                if (!deviceRecord.IsDraining)
                {
                    return BindAgain(record, deviceRecord, callbacks);
                }

                return BindAfterDrain(device, addressSpace, flags, callbacks);
            }
        }
        else if (remembered.IsValid && remembered.Value >= width && !Profile.Has(KernelQuirks.RebindSkipsWidthCheck))
        {
            return BindResult.Failed(PasidStatus.NoSpace, BindFailure.TooWide);
        }

        status = PrepareDevice(device, bound);
        if (status != PasidStatus.Success)
        {
            return BindResult.Failed(status, FailureOf(BindFailureKind.EnableRefused));
        }

        if (!device.SupportsPasid)
        {
            return BindResult.Failed(PasidStatus.OperationNotSupported, BindFailure.NoPasidSupport, Profile.Has(KernelQuirks.UnsupportedDeviceReportsSuccess));
        }

        return record is null
            ? BindFirst(_spareDevices.Take(device, callbacks), bound, flags, width, remembered)
            : BindFurther(record, _spareDevices.Take(device, callbacks));
    }

    /// <summary>Binds a device that an unbind is draining, once that is over: nothing has changed yet, and all begins anew.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private BindResult BindAfterDrain(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks)
    {
        // A loop, and not a bind that comes back here: the signal tells of the drains of all devices, and there is no end to these.
        SvmRecord? record = FindShared(addressSpace, flags);
        while (record?.FindDevice(device) is { IsDraining: true })
        {
            WaitForPause();
            ThrowIfDisposed();
            record = FindShared(addressSpace, flags);
        }

        return BindUnsynchronized(device, addressSpace, flags, callbacks);
    }

    private SvmRecord? FindShared(AddressSpace? addressSpace, SvmBindFlags flags) =>
        (flags & SvmBindFlags.Supervisor) != 0 ? _supervisorRecord : addressSpace?.SharedRecord;

    /// <summary>What the kernel asks before it takes the lock; answers the number of PASIDs that the device can tell apart.</summary>
    private PasidStatus CheckDevice(SvmDevice device, SvmBindFlags flags, out uint width)
    {
        width = 0;
        if (device.Iommu is not { } iommu || _isDmarDisabled)
        {
            return PasidStatus.InvalidArgument;
        }

        if (!iommu.IsSvmCapable)
        {
            return PasidStatus.NotSupported;
        }

        if (device.IsPci && device.MaxPasids < 0)
        {
            return PasidStatus.InvalidArgument;
        }

        width = (uint)(device.IsPci ? device.MaxPasids : IoasidRange.PasidLimit);
        return (flags & SvmBindFlags.Supervisor) != 0 && !iommu.SupportsSupervisor
            ? PasidStatus.InvalidArgument
            : PasidStatus.Success;
    }

    /// <summary>Finds out why <see cref="CheckDevice"/> refused a device.</summary>
    private BindFailure FindFailure(SvmDevice device, PasidStatus status) =>
        status == PasidStatus.NotSupported ? BindFailure.NotSvmCapable
        : device.Iommu is null ? BindFailure.NoIommu
        : _isDmarDisabled ? BindFailure.DmarDisabled
        : device.IsPci && device.MaxPasids < 0 ? BindFailure.WidthUnknown
        : BindFailure.NoSupervisorSupport;

    /// <summary>Makes the device ready to be bound. The kernel does not take the enabling back if the bind fails later.</summary>
    private PasidStatus PrepareDevice(SvmDevice device, AddressSpace? addressSpace)
    {
        PasidStatus status = Inject(SvmFaultPoint.DeviceRecord, device, addressSpace);
        return status == PasidStatus.Success ? EnablePasidOn(device) : status;
    }

    /// <summary>A device that is bound already: no step is taken, so none is told.</summary>
    private static BindResult BindAgain(SvmRecord record, SvmDeviceRecord deviceRecord, ISvmDeviceCallbacks? callbacks)
    {
        if (!ReferenceEquals(deviceRecord.Callbacks, callbacks))
        {
            return BindResult.Failed(PasidStatus.Busy, BindFailure.OtherCallbacks);
        }

        if (deviceRecord.Users == long.MaxValue)
        {
            return BindResult.Failed(PasidStatus.Overflow, BindFailure.BoundTooOften);
        }

        deviceRecord.Users++;
        return BindResult.Bound(record, deviceRecord);
    }

    /// <summary>A further device of a binding.</summary>
    private BindResult BindFurther(SvmRecord record, SvmDeviceRecord deviceRecord)
    {
        PasidStatus status = SetUpEntry(record, deviceRecord.Device);
        if (status != PasidStatus.Success)
        {
            return BindResult.Failed(status, FailureOf(BindFailureKind.SetUpRefused));
        }

        record.AddDevice(deviceRecord);
        return BindResult.Bound(record, deviceRecord);
    }

    /// <summary>The first device of a new binding.</summary>
    private BindResult BindFirst(SvmDeviceRecord deviceRecord, AddressSpace? addressSpace, SvmBindFlags flags, uint width, Ioasid remembered)
    {
        SvmDevice device = deviceRecord.Device;
        PasidStatus status = Inject(SvmFaultPoint.SvmRecord, device, addressSpace);
        if (status != PasidStatus.Success)
        {
            return BindResult.Failed(status, FailureOf(BindFailureKind.Injected));
        }

        SvmRecord record = remembered.IsValid ? TakeSpareRecord(addressSpace!, device) : new SvmRecord(this, addressSpace, flags) { FirstDevice = device };
        BindFailureKind kind = remembered.IsValid ? BindFailureKind.RememberedRefused : BindFailureKind.Exhausted;
        try
        {
            status = remembered.IsValid ? TakeRemembered(record, remembered) : Allocate(record, width);
            if (status == PasidStatus.Success)
            {
                kind = BindFailureKind.Injected;
                status = RegisterNotifier(record, device);
            }

            if (status == PasidStatus.Success)
            {
                kind = BindFailureKind.SetUpRefused;
                status = SetUpEntry(record, device);
            }
        }
        catch (Exception exception)
        {
            Complete();
            Defer(exception);
            UndoFirst(record, remembered);
            throw;
        }

        if (status != PasidStatus.Success)
        {
            BindFailure failure = FailureOf(kind);
            Complete();
            UndoFirst(record, remembered);
            return BindResult.Failed(status, failure, kind == BindFailureKind.Exhausted && Profile.Has(KernelQuirks.ExhaustionReportsSuccess));
        }

        record.AddDevice(deviceRecord);
        Link(record);
        record.Publish();
        return BindResult.Bound(record, deviceRecord);
    }

    private SvmRecord TakeSpareRecord(AddressSpace addressSpace, SvmDevice device)
    {
        if (addressSpace.SpareRecord is not { } record)
        {
            return new SvmRecord(this, addressSpace, SvmBindFlags.None) { FirstDevice = device };
        }

        addressSpace.SpareRecord = null;
        if (!ReferenceEquals(record.FirstDevice, device))
        {
            record.FirstDevice = device;
        }

        return record;
    }

    private PasidStatus TakeRemembered(SvmRecord record, Ioasid remembered)
    {
        // While the bind is under way a lookup finds what it found before: a PASID without data.
        record.Release(PasidStatus.InvalidArgument);

        // A record that is used again still has its number; it must not seem to have one if this fails.
        record.Pasid = Ioasid.Invalid;

        // Under ForkCopiesPasid the number may have been freed by the other address space; the kernel does not notice.
        PasidStatus status = SetData(remembered, record);
        if (status != PasidStatus.Success && !(status == PasidStatus.NotFound && Profile.Has(KernelQuirks.ForkCopiesPasid)))
        {
            return status < 0 ? status : throw Throw.UndefinedStatus($"The allocator {_allocator.GetType()}", status);
        }

        record.Pasid = remembered;
        HoldData(remembered, record);
        Observe(SvmEventKind.DataSet, remembered);
        return PasidStatus.Success;
    }

    private PasidStatus Allocate(SvmRecord record, uint width)
    {
        // The kernel subtracts one from an unsigned limit; PASID 0 stands for requests without a PASID.
        uint limit = Math.Min(width, _pasidLimit);
        uint maximum = limit == 0 && !Profile.Has(KernelQuirks.ZeroLimitWraps) ? 0 : unchecked(limit - 1);
        var range = new IoasidRange(1, maximum);
        Ioasid pasid = Ioasid.Invalid;
        if (TryAllocate(range, record, out Ioasid allocated))
        {
            CheckAllocated(record, allocated, range);
            record.Pasid = allocated;
            pasid = allocated;
        }

        PasidStatus status = pasid.IsValid ? PasidStatus.Success : PasidStatus.NoSpace;
        Observe(SvmEventKind.Allocated, pasid, range: range, status: status);
        return status;
    }

    private bool TryAllocate(IoasidRange range, SvmRecord record, out Ioasid pasid)
    {
        if (_ownAllocator is not null)
        {
            EnsureHolder(_ownAllocator).Add();
        }

        bool isAllocated = false;
        try
        {
            isAllocated = _allocator.TryAllocate(range, ioasidSet: null, record, out pasid);
        }
        finally
        {
            if (!isAllocated)
            {
                _holder?.Remove();
            }
        }

        return isAllocated;
    }

    /// <summary>Refuses what an allocator that is not the library's own must not answer. A number outside the range is given back, if
    /// it was free; one that is held already is not, and gets the data back that the allocator has taken from it.</summary>
    private void CheckAllocated(SvmRecord record, Ioasid pasid, IoasidRange range)
    {
        if (_heldPasids is null)
        {
            return;
        }

        bool isInRange = range.Contains(pasid);
        if (isInRange && _heldPasids.TryAdd(pasid, record))
        {
            return;
        }

        Exception? further = null;
        try
        {
            if (_heldPasids.TryGetValue(pasid, out SvmRecord? holder))
            {
                _allocator.SetData(pasid, holder);
            }
            else if (pasid.IsValid && _allocator.Lookup(pasid, out object? data) == PasidStatus.Success && ReferenceEquals(data, record))
            {
                _allocator.Free(pasid);
            }
        }
#pragma warning disable CA1031 // The first fault is the one to be told; this goes with it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            further = exception;
        }

        throw new InvalidOperationException(
            $"The allocator {_allocator.GetType()} gave PASID {pasid} for {range}, which is {(isInRange ? "live already" : "outside")}: it has to give a free id of the range, or answer false.",
            further);
    }

    private PasidStatus RegisterNotifier(SvmRecord record, SvmDevice device)
    {
        if (record.AddressSpace is not { } addressSpace)
        {
            return PasidStatus.Success;
        }

        PasidStatus status = Inject(SvmFaultPoint.NotifierRegistration, device, addressSpace);
        if (status == PasidStatus.Success)
        {
            record.IsRegistered = true;
            SvmRecordList.Add(ref addressSpace.NewestRegistered, record);
        }

        Observe(SvmEventKind.NotifierRegistered, addressSpace: addressSpace, status: status);
        return status;
    }

    private void UndoFirst(SvmRecord record, Ioasid remembered)
    {
        UnregisterNotifier(record);
        if (!record.Pasid.IsValid)
        {
            return;
        }

        if (!remembered.IsValid)
        {
            FreePasid(record.Pasid, record);
        }
        else if (!Profile.Has(KernelQuirks.FailedRebindLeavesData))
        {
            ClearData(record);
        }
    }

    /// <summary>Puts a binding that is complete where binds and pictures look for it.</summary>
    private void Link(SvmRecord record)
    {
        _bindingCount++;
        record.Number = ++_lastNumber;
        if (record.AddressSpace is not { } addressSpace)
        {
            SvmRecordList.Add(ref _newestOfSupervisor, record);
            _supervisorRecord = record.IsShared ? record : _supervisorRecord;
            return;
        }

        if (record.IsShared)
        {
            addressSpace.SharedRecord = record;
            if (Profile.Lifetime == PasidLifetime.AddressSpace)
            {
                addressSpace.Pasid = record.Pasid;
            }
        }

        UpdateKept(addressSpace);
    }

    /// <summary>Tells which way the step failed that failed last.</summary>
    private BindFailure FailureOf(BindFailureKind kind) =>
        _operation.Injected is { } point ? BindFailure.Injected(point) : new BindFailure(kind);

    /// <summary>How a bind ended.</summary>
    /// <param name="Status">The truth.</param>
    /// <param name="Reported">What is answered: a quirk may make a failure look like a success.</param>
    /// <param name="Pasid">The PASID, read inside the gate: records are used again.</param>
    /// <param name="Record">The binding, if there is one.</param>
    /// <param name="DeviceRecord">The device in it.</param>
    /// <param name="Failure">Why there is none.</param>
    private readonly record struct BindResult(PasidStatus Status, PasidStatus Reported, Ioasid Pasid, SvmRecord? Record, SvmDeviceRecord? DeviceRecord, BindFailure Failure)
    {
        public static BindResult Bound(SvmRecord record, SvmDeviceRecord deviceRecord) =>
            new(PasidStatus.Success, PasidStatus.Success, record.Pasid, record, deviceRecord, default);

        public static BindResult Failed(PasidStatus status, BindFailure failure, bool reportsSuccess = false) =>
            new(status, reportsSuccess ? PasidStatus.Success : status, Ioasid.Invalid, Record: null, DeviceRecord: null, failure);
    }
}

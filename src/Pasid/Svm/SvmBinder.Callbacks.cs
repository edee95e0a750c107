using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Pasid.Internal;

namespace Pasid;

/// <content>Everything that calls out of the binder: the IOMMU, the observer, the fault injector, and the allocator.</content>
public sealed partial class SvmBinder
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PasidStatus Inject(SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace) =>
        _faultInjector is null ? PasidStatus.Success : Inject(_faultInjector, point, device, addressSpace);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus Inject(ISvmFaultInjector faultInjector, SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace)
    {
        try
        {
            PasidStatus status = faultInjector.Inject(point, device, addressSpace);
            _operation.Injected = status == PasidStatus.Success ? null : point;
            return status <= 0 ? status : throw Throw.UndefinedStatus("The fault injector", status);
        }
        catch (Exception exception) when (Note(exception))
        {
            throw;
        }
    }

    // Where nobody watches, what an IOMMU throws needs no notes, and no method with handlers is in the way of a bind: each costs
    // more than what it guards.

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PasidStatus EnablePasidOn(SvmDevice device) =>
        _isWatched ? EnablePasidWatched(device) : Defined(device.Iommu!.EnablePasid(device), device);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PasidStatus SetUpEntry(SvmRecord record, SvmDevice device) =>
        _isWatched ? SetUpEntryWatched(record, device) : Defined(device.Iommu!.SetUpPasidEntry(device, record.Pasid, record.AddressSpace), device);

    /// <summary>Tears an entry down. Throws only if the IOMMU did, before anything changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void TearDownEntry(SvmDevice device, IIommu iommu, Ioasid pasid)
    {
        if (_isWatched)
        {
            TearDownEntryWatched(device, iommu, pasid);
            return;
        }

        iommu.TearDownPasidEntry(device, pasid);
        Complete();
    }

    private static PasidStatus Defined(PasidStatus status, SvmDevice device) =>
        status <= 0 ? status : throw Throw.UndefinedStatus($"The IOMMU '{device.Iommu!.Name}'", status);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus EnablePasidWatched(SvmDevice device)
    {
        PasidStatus status;
        try
        {
            status = Defined(device.Iommu!.EnablePasid(device), device);
        }
        catch (Exception exception) when (Note(exception))
        {
            throw;
        }

        Observe(SvmEventKind.PasidEnabled, device: device, iommu: device.Iommu, status: status);
        return status;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus SetUpEntryWatched(SvmRecord record, SvmDevice device)
    {
        PasidStatus status = Inject(SvmFaultPoint.PasidEntrySetup, device, record.AddressSpace);
        if (status == PasidStatus.Success)
        {
            status = ProgramEntry(device, record);
        }

        try
        {
            Observe(SvmEventKind.EntrySetUp, record.Pasid, device, device.Iommu, record.AddressSpace, status: status);
        }
        catch (Exception exception) when (status == PasidStatus.Success)
        {
            Complete();
            Defer(exception);
            TearDownAndFlush(device, device.Iommu!, record);
            throw;
        }

        return status;
    }

    private PasidStatus ProgramEntry(SvmDevice device, SvmRecord record)
    {
        try
        {
            return Defined(device.Iommu!.SetUpPasidEntry(device, record.Pasid, record.AddressSpace), device);
        }
        catch (Exception exception) when (Note(exception))
        {
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TearDownEntryWatched(SvmDevice device, IIommu iommu, Ioasid pasid)
    {
        try
        {
            iommu.TearDownPasidEntry(device, pasid);
        }
        catch (Exception exception) when (Note(exception))
        {
            throw;
        }

        Complete();
        Observe(SvmEventKind.EntryTornDown, pasid, device, iommu);
    }

    /// <summary>Tears an entry down and flushes, in an operation that only goes on to its end.</summary>
    private void TearDownAndFlush(SvmDevice device, IIommu iommu, SvmRecord record)
    {
        try
        {
            TearDownEntry(device, iommu, record.Pasid);
        }
        catch (Exception exception) when (_operation.IsCompleting)
        {
            Defer(exception);
        }

        Flush(device, record);
    }

    private void Flush(SvmDevice device, SvmRecord record)
    {
        IIommu iommu = FlushingIommu(device, record);
        try
        {
            iommu.Flush(device, record.Pasid);
        }
        catch (Exception exception) when (_operation.IsCompleting)
        {
            Defer(exception);
        }

        Observe(SvmEventKind.Flushed, record.Pasid, device, iommu);
        Observe(SvmEventKind.IotlbInvalidated, record.Pasid, device, iommu);
        if (device.HasAts)
        {
            Observe(SvmEventKind.DeviceTlbInvalidated, record.Pasid, device, iommu);
        }
    }

    /// <summary>The IOMMU whose queue takes the flushes for a device of a binding.</summary>
    private IIommu FlushingIommu(SvmDevice device, SvmRecord record) =>
        Profile.Has(KernelQuirks.FirstIommuFlushes) ? record.FirstDevice.Iommu! : device.Iommu!;

    /// <summary>Gives a PASID back.</summary>
    /// <param name="pasid">The PASID.</param>
    /// <param name="record">The binding that was attached to it, or <see langword="null"/>.</param>
    private void FreePasid(Ioasid pasid, SvmRecord? record)
    {
        _heldPasids?.Remove(pasid);
        try
        {
            PasidStatus status = _allocator.Free(pasid);
            if (status != PasidStatus.NotFound)
            {
                _holder?.Remove();
            }

            if (status == PasidStatus.Busy)
            {
                // Others hold references, so the id outlives this call: it must not lead to a binding that is over.
                record?.Release(PasidStatus.InvalidArgument);
                _allocator.SetData(pasid, data: null);
                _allocator.DropReference(pasid);
            }
            else if (status is not (PasidStatus.Success or PasidStatus.NotFound))
            {
                throw new InvalidOperationException($"The allocator {_allocator.GetType()} answered {status} when PASID {pasid} was given back: it has to take it.");
            }
        }
        catch (Exception exception) when (_operation.IsCompleting)
        {
            // Functions that did not take the id back leave it live; it must not lead to a binding that is over.
            Defer(exception);
        }

        // Only now: a lookup that came to the record before the id was free, and finds it released, looks again.
        record?.Release(PasidStatus.NotFound);
        Observe(SvmEventKind.Freed, pasid);
    }

    /// <summary>Detaches a binding from a PASID that stays allocated.</summary>
    private void ClearData(SvmRecord record)
    {
        record.Release(PasidStatus.InvalidArgument);
        if (_ownAllocator is null || !_ownAllocator.TrySetDataSimply(record.Pasid, data: null))
        {
            ClearDataSlowly(record.Pasid);
        }

        HoldData(record.Pasid, record: null);

        Observe(SvmEventKind.DataCleared, record.Pasid);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ClearDataSlowly(Ioasid pasid)
    {
        try
        {
            PasidStatus status = _allocator.SetData(pasid, data: null);
            if (status is not (PasidStatus.Success or PasidStatus.NotFound))
            {
                throw new InvalidOperationException($"The allocator {_allocator.GetType()} answered {status} when PASID {pasid} was to have no data: it has to take that.");
            }
        }
        catch (Exception exception) when (_operation.IsCompleting)
        {
            Defer(exception);
        }
    }

    /// <summary>Remembers what the data of a PASID is, where the allocator cannot be trusted with it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void HoldData(Ioasid pasid, SvmRecord? record)
    {
        if (_heldPasids is { } heldPasids)
        {
            heldPasids[pasid] = record;
        }
    }

    /// <summary>Replaces the data of a PASID, of the library's own allocator without a call if it can.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PasidStatus SetData(Ioasid pasid, SvmRecord? data) =>
        _ownAllocator is { } allocator ? allocator.SetDataUnlogged(pasid, data) : _allocator.SetData(pasid, data);

    /// <summary>Tells the observer, if there is one. Inlined, so that without one it costs the check of a field and no
    /// event is made.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Observe(
        SvmEventKind kind,
        Ioasid pasid = default,
        SvmDevice? device = null,
        IIommu? iommu = null,
        AddressSpace? addressSpace = null,
        IoasidRange range = default,
        PasidStatus status = PasidStatus.Success)
    {
        if (_observer is not null)
        {
            Tell(_observer, new SvmEvent(kind, pasid, device, iommu, addressSpace, range, status));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Tell(ISvmObserver observer, in SvmEvent svmEvent)
    {
        try
        {
            observer.OnEvent(in svmEvent);
        }
        catch (Exception exception) when (Note(exception) || _operation.IsCompleting)
        {
            Defer(exception);
        }
    }

    /// <summary>From here on the operation goes to its end, whatever callbacks throw.</summary>
    private void Complete() => _operation.IsCompleting = true;

    private void Defer(Exception exception) => _operation.Failure ??= ExceptionDispatchInfo.Capture(exception);
}

using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Everything that a binder calls out to, step by step: IOMMUs, the fault injector before each step that can fail, the observer after
/// each step.
/// </summary>
/// <remarks>Where nobody watches, what an IOMMU throws needs no notes, and no method with handlers is in the way of a bind: each costs
/// more than what it guards.</remarks>
internal sealed class Steps(ISvmObserver? observer, ISvmFaultInjector? faultInjector, bool isLogged, bool firstIommuFlushes, bool tearDownFlushes, bool clearsPresentFirst)
{
    private readonly ISvmObserver? _observer = observer;
    private readonly ISvmFaultInjector? _faultInjector = faultInjector;

    /// <summary>Whether there is an observer, a fault injector or a log, or more to a tear-down than one call.</summary>
    private readonly bool _isWatched = observer is not null || faultInjector is not null || isLogged || clearsPresentFirst;

    /// <summary>Gets the step that the fault injector made fail last; <see langword="null"/> if the last step that it was asked about went
    /// on. It is asked before every step that can fail.</summary>
    public SvmFaultPoint? Injected { get; private set; }

    /// <summary>Gets a value indicating whether a flush follows a tear-down, before the drain.</summary>
    public bool FlushFollowsTearDown { get; } = tearDownFlushes && !clearsPresentFirst;

    /// <summary>Gets a value indicating whether a flush follows when a device has left its binding.</summary>
    public bool FlushFollowsRelease { get; } = !tearDownFlushes;

    public static InvalidOperationException Undefined(string who, PasidStatus status) =>
        new($"{who} answered {(int)status}, which is no status: answer PasidStatus.Success or a negative one.");

    /// <summary>Finds the IOMMU whose queue takes the flushes for a device of a binding (<see cref="KernelQuirks.FirstIommuFlushes"/>).</summary>
    public IIommu FlushingIommu(SvmDevice device, SvmDevice firstDevice) => firstIommuFlushes ? firstDevice.Iommu! : device.Iommu!;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PasidStatus Inject(in Operation operation, SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace) =>
        _faultInjector is null ? PasidStatus.Success : Inject(in operation, _faultInjector, point, device, addressSpace);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PasidStatus EnablePasid(in Operation operation, SvmDevice device) =>
        _isWatched ? EnablePasidWatched(in operation, device) : Defined(device.Iommu!.EnablePasid(device), device);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PasidStatus SetUpEntry(in Operation operation, SvmDevice device, Ioasid pasid, AddressSpace? addressSpace, SvmDevice firstDevice) =>
        _isWatched
            ? SetUpEntryWatched(in operation, device, pasid, addressSpace, firstDevice)
            : Defined(device.Iommu!.SetUpPasidEntry(device, pasid, addressSpace), device);

    /// <summary>Tears an entry down. Throws only if the IOMMU did, before anything changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void TearDownEntry(in Operation operation, SvmDevice device, IIommu iommu, Ioasid pasid)
    {
        if (_isWatched)
        {
            TearDownAtLength(in operation, device, iommu, pasid, ignoresFaults: false);
            return;
        }

        iommu.TearDownPasidEntry(device, pasid);
        operation.Complete();
    }

    /// <summary>Tears an entry down, which may be of another IOMMU than the device's, and flushes, in an operation that only goes on to its
    /// end.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="device">The device.</param>
    /// <param name="iommu">The IOMMU that is told.</param>
    /// <param name="firstDevice">The device that was bound first.</param>
    /// <param name="pasid">The PASID.</param>
    /// <param name="isExit">Whether the device is still bound: since Linux 5.8 its faults are ignored until it is not.</param>
    public void TearDownAndFlush(in Operation operation, SvmDevice device, IIommu iommu, SvmDevice firstDevice, Ioasid pasid, bool isExit = false)
    {
        bool ignoresFaults = isExit && tearDownFlushes;
        try
        {
            TearDownAtLength(in operation, device, iommu, pasid, ignoresFaults);
        }
        catch (Exception exception) when (operation.IsCompleting)
        {
            operation.Defer(exception);
        }

        if (!clearsPresentFirst)
        {
            Flush(in operation, device, firstDevice, pasid);
        }
    }

    /// <summary>Flushes what a device and its IOMMU remember of an entry.</summary>
    public void Flush(in Operation operation, SvmDevice device, SvmDevice firstDevice, Ioasid pasid)
    {
        // What a tear-down flushes, its own IOMMU does.
        IIommu iommu = tearDownFlushes ? device.Iommu! : FlushingIommu(device, firstDevice);
        try
        {
            iommu.Flush(device, pasid);
        }
        catch (Exception exception) when (operation.IsCompleting)
        {
            operation.Defer(exception);
        }

        Observe(in operation, tearDownFlushes ? SvmEventKind.PasidCacheInvalidated : SvmEventKind.Flushed, pasid, device, iommu);
        Observe(in operation, SvmEventKind.IotlbInvalidated, pasid, device, iommu);
        if (device.HasAts)
        {
            Observe(in operation, SvmEventKind.DeviceTlbInvalidated, pasid, device, iommu);
        }
    }

    /// <summary>Invalidates what a device and its IOMMU remember of a range of addresses, in an operation that only goes on to its end.</summary>
    public void InvalidateRange(in Operation operation, SvmDevice device, SvmDevice firstDevice, Ioasid pasid, ulong first, ulong last)
    {
        IIommu iommu = FlushingIommu(device, firstDevice);
        try
        {
            iommu.InvalidateRange(device, pasid, first, last);
        }
        catch (Exception exception) when (operation.IsCompleting)
        {
            operation.Defer(exception);
        }

        if (_observer is not null)
        {
            Tell(in operation, _observer, new SvmEvent(SvmEventKind.RangeInvalidated, pasid, device, iommu) { FirstAddress = first, LastAddress = last });
        }
    }

    /// <summary>Tells the observer, if there is one. Inlined, so that without one it costs the check of a field; the event is made
    /// elsewhere, because each place with room for one would clear that room first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Observe(
        in Operation operation,
        SvmEventKind kind,
        Ioasid pasid = default,
        SvmDevice? device = null,
        IIommu? iommu = null,
        AddressSpace? addressSpace = null,
        IoasidRange range = default,
        PasidStatus status = PasidStatus.Success,
        bool ignoresFaults = false)
    {
        if (_observer is not null)
        {
            Tell(in operation, _observer, kind, pasid, device, iommu, addressSpace, range, status, ignoresFaults);
        }
    }

    private static PasidStatus Defined(PasidStatus status, SvmDevice device) =>
        status <= 0 ? status : throw Undefined($"The IOMMU '{device.Iommu!.Name}'", status);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Tell(
        in Operation operation,
        ISvmObserver observer,
        SvmEventKind kind,
        Ioasid pasid,
        SvmDevice? device,
        IIommu? iommu,
        AddressSpace? addressSpace,
        IoasidRange range,
        PasidStatus status,
        bool ignoresFaults) =>
        Tell(in operation, observer, new SvmEvent(kind, pasid, device, iommu, addressSpace, range, status) { IgnoresFaults = ignoresFaults });

    private static void Tell(in Operation operation, ISvmObserver observer, SvmEvent svmEvent)
    {
        try
        {
            observer.OnEvent(in svmEvent);
        }
        catch (Exception exception) when (operation.NoteThrown(exception) || operation.IsCompleting)
        {
            operation.Defer(exception);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus Inject(in Operation operation, ISvmFaultInjector faultInjector, SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace)
    {
        try
        {
            PasidStatus status = faultInjector.Inject(point, device, addressSpace);
            Injected = status == PasidStatus.Success ? null : point;
            return status <= 0 ? status : throw Undefined("The fault injector", status);
        }
        catch (Exception exception) when (operation.NoteThrown(exception))
        {
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus EnablePasidWatched(in Operation operation, SvmDevice device)
    {
        PasidStatus status;
        try
        {
            status = Defined(device.Iommu!.EnablePasid(device), device);
        }
        catch (Exception exception) when (operation.NoteThrown(exception))
        {
            throw;
        }

        Observe(in operation, SvmEventKind.PasidEnabled, device: device, iommu: device.Iommu, status: status);
        return status;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus SetUpEntryWatched(in Operation operation, SvmDevice device, Ioasid pasid, AddressSpace? addressSpace, SvmDevice firstDevice)
    {
        PasidStatus status = Inject(in operation, SvmFaultPoint.PasidEntrySetup, device, addressSpace);
        if (status == PasidStatus.Success)
        {
            status = ProgramEntry(in operation, device, pasid, addressSpace);
        }

        try
        {
            Observe(in operation, SvmEventKind.EntrySetUp, pasid, device, device.Iommu, addressSpace, status: status);
        }
        catch (Exception exception) when (status == PasidStatus.Success)
        {
            operation.Complete();
            operation.Defer(exception);
            TearDownAndFlush(in operation, device, device.Iommu!, firstDevice, pasid);
            throw;
        }

        return status;
    }

    private static PasidStatus ProgramEntry(in Operation operation, SvmDevice device, Ioasid pasid, AddressSpace? addressSpace)
    {
        try
        {
            return Defined(device.Iommu!.SetUpPasidEntry(device, pasid, addressSpace), device);
        }
        catch (Exception exception) when (operation.NoteThrown(exception))
        {
            throw;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void TearDownAtLength(in Operation operation, SvmDevice device, IIommu iommu, Ioasid pasid, bool ignoresFaults)
    {
        if (clearsPresentFirst)
        {
            ClearPresentAndFlush(in operation, device, iommu, pasid);
        }

        try
        {
            if (ignoresFaults)
            {
                iommu.TearDownPasidEntry(device, pasid, ignoresFaults);
            }
            else
            {
                iommu.TearDownPasidEntry(device, pasid);
            }
        }
        catch (Exception exception) when (!operation.NoteThrown(exception) && clearsPresentFirst)
        {
            operation.Defer(exception);
        }

        operation.Complete();
        Observe(in operation, SvmEventKind.EntryTornDown, pasid, device, iommu, ignoresFaults: ignoresFaults);
    }

    private void ClearPresentAndFlush(in Operation operation, SvmDevice device, IIommu iommu, Ioasid pasid)
    {
        try
        {
            iommu.ClearPresent(device, pasid);
        }
        catch (Exception exception) when (!operation.NoteThrown(exception) && operation.IsCompleting)
        {
            operation.Defer(exception);
        }

        operation.Complete();
        Observe(in operation, SvmEventKind.PresentCleared, pasid, device, iommu);
        Flush(in operation, device, device, pasid);
    }
}

using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// The kernel's binder: one PASID per address space reused over its devices, private and supervisor PASIDs, roll-back
/// of every step that fails, and the PASID freed when its time has come.
/// </summary>
/// <remarks>
/// <para>All members are safe for concurrent use. One gate guards all bindings; it is held while an <see cref="IIommu"/>, the
/// observer or the fault injector is called, and calls of the allocator are made inside it, never the other way round.
/// Look-ups take no lock.</para>
/// <para>Independent of every other instance: nothing is static. Several binders may share one allocator.</para>
/// <para>Models <c>drivers/iommu/intel-svm.c</c>; which version of it, <see cref="Profile"/> says.</para>
/// </remarks>
[DebuggerDisplay("Profile = {Profile.Name}, Bindings = {_bindingCount}")]
[DebuggerTypeProxy(typeof(SvmBinderDebugView))]
public sealed partial class SvmBinder : ISvmBinder
{
    /// <summary>What the gate guards, for the message to a callback that calls back.</summary>
    private const string What = "The binder";

    /// <summary>What the binder calls; <see cref="Allocator"/> itself, or what it is without its log.</summary>
    private readonly IIoasidAllocator _allocator;

    /// <summary>The allocator if it is the library's own, so that the look-ups of devices call it directly.</summary>
    private readonly IoasidAllocator? _ownAllocator;

    private readonly ISvmObserver? _observer;
    private readonly ISvmFaultInjector? _faultInjector;

    /// <summary>Whether there is an observer, a fault injector or a log.</summary>
    private readonly bool _isWatched;

    private readonly uint _pasidLimit;
    private readonly bool _isDmarDisabled;
    private readonly bool _cpuHasEnqcmd;

    private readonly ILogger? _logger;
    private readonly PasidMetrics? _metrics;

    private int _bindingCount;

    /// <summary>How many bindings there have been; the order of the kernel's list of bindings (<c>global_svm_list</c>), which
    /// is not kept as such: the bindings of processes hang on their address spaces.</summary>
    private long _lastNumber;

    /// <summary>The head of the bindings of the supervisor.</summary>
    private SvmRecord? _newestOfSupervisor;

    /// <summary>The binding that all supervisor binds share which do not ask for a private PASID.</summary>
    private SvmRecord? _supervisorRecord;

    /// <summary>The head of the address spaces that have a PASID or a binding and would be lost if they were dropped.</summary>
    private AddressSpace? _newestKept;

    private int _keptCount;

    /// <summary>The PASIDs that a quirk kept from being freed, each once; <see langword="null"/> for none.</summary>
    private LeakedPasids? _leakedPasids;

    /// <summary>How many PASIDs the binder holds of the library's own allocator; <see langword="null"/> until there was one.</summary>
    private PasidHolder? _holder;

    /// <summary>The PASIDs that the binder holds of an allocator that is not the library's own, which it cannot trust to give no number
    /// twice, each with the binding that is its data; <see langword="null"/> over the library's own.</summary>
    private readonly Dictionary<Ioasid, SvmRecord?>? _heldPasids;

    private SpareDeviceRecords _spareDevices;

    private Gate _gate = new();
    private bool _isDisposed;

    /// <summary>The state of the operation that is inside the gate.</summary>
    private OperationState _operation;

    /// <summary>Makes a binder with an allocator of its own and the default settings.</summary>
    public SvmBinder()
        : this(new IoasidAllocator())
    {
    }

    /// <summary>Makes a binder with an allocator of its own.</summary>
    /// <param name="options">The settings.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="options"/> has values that make no sense; all are named.</exception>
    public SvmBinder(PasidOptions options)
        : this(new IoasidAllocator(), options ?? throw new ArgumentNullException(nameof(options)))
    {
    }

    /// <summary>Makes a binder over an allocator, which it does not own.</summary>
    /// <param name="allocator">Where PASIDs come from. Other users of it see, and may use up, the same numbers.</param>
    /// <param name="options">The settings; <see langword="null"/> for the defaults.</param>
    /// <param name="loggerFactory">Where the logger comes from, whose category is <c>Pasid.SvmBinder</c>; <see langword="null"/> for
    /// no log. What a logger throws is not passed on.</param>
    /// <param name="meterFactory">Where the meter <c>Pasid</c> comes from; <see langword="null"/> for no metrics. The last figures of a
    /// disposed binder are reported as long as the factory keeps the meter.</param>
    /// <exception cref="ArgumentNullException"><paramref name="allocator"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="options"/> has values that make no sense; all are named.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="meterFactory"/> answered <see langword="null"/>.</exception>
    public SvmBinder(IIoasidAllocator allocator, PasidOptions? options = null, ILoggerFactory? loggerFactory = null, IMeterFactory? meterFactory = null)
        : this(allocator, options, loggerFactory, meterFactory, isMeasured: meterFactory is not null)
    {
    }

    internal SvmBinder(IIoasidAllocator allocator, PasidOptions? options, ILoggerFactory? loggerFactory, IMeterFactory? meterFactory, bool isMeasured)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        options ??= new PasidOptions();
        options.Validate(nameof(options));

        Allocator = allocator;
        _ownAllocator = allocator as IoasidAllocator;
        _allocator = _ownAllocator?.Logger is null ? allocator : new UnloggedAllocator(_ownAllocator);
        _heldPasids = _ownAllocator is null ? [] : null;
        _observer = options.Observer;
        _faultInjector = options.FaultInjector;
        _pasidLimit = (uint)options.PasidLimit;
        _isDmarDisabled = options.IsDmarDisabled;
        _cpuHasEnqcmd = options.CpuHasEnqcmd;
        AddressWidth = options.AddressWidth;
        HostName = options.HostName;
        Profile = options.Profile;
        _logger = LogCategory.MakeLogger(loggerFactory, nameof(SvmBinder), options.HostName);
        _isWatched = _observer is not null || _faultInjector is not null || _logger is not null;
        _metrics = isMeasured ? new PasidMetrics(this, meterFactory, options.HostName) : null;
    }

    /// <inheritdoc/>
    public KernelProfile Profile { get; }

    /// <summary>Gets where PASIDs come from.</summary>
    /// <value>The allocator that was handed in, or the binder's own.</value>
    public IIoasidAllocator Allocator { get; }

    /// <inheritdoc/>
    public SvmBinding Bind(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags = SvmBindFlags.None, ISvmDeviceCallbacks? callbacks = null)
    {
        CheckBindArguments(device, addressSpace, flags);
        BindResult result;
        Enter();
        try
        {
            result = BindUnsynchronized(device, addressSpace, flags, callbacks);
            if (result.DeviceRecord is not null)
            {
                _binds++;
                result.DeviceRecord.HasHandle = true;
            }
            else
            {
                _failures.Count(result.Status);
            }
        }
        finally
        {
            Exit(nameof(Bind));
        }

        if (_logger is not null)
        {
            LogBind(_logger, device, addressSpace, flags, result.Status, result.Reported, result.Pasid, result.Failure);
        }

        return result.Record is { } record
            ? new SvmBinding(record, result.DeviceRecord!, result.Pasid)
            : throw new PasidException(result.Status, result.Failure.Explain(result.Status, device, addressSpace));
    }

    /// <inheritdoc/>
    public PasidStatus BindMm(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks, out Ioasid pasid)
    {
        CheckBindArguments(device, addressSpace, flags);
        PasidStatus status;
        PasidStatus reported;
        BindFailure failure;
        Enter();
        try
        {
            BindResult result = BindUnsynchronized(device, addressSpace, flags, callbacks);
            status = result.Status;
            reported = result.Reported;
            pasid = result.Pasid;
            failure = result.Failure;
            if (status == PasidStatus.Success)
            {
                _binds++;
            }
            else
            {
                _failures.Count(status);
            }
        }
        finally
        {
            Exit(nameof(BindMm));
        }

        if (_logger is not null)
        {
            LogBind(_logger, device, addressSpace, flags, status, reported, pasid, failure);
        }

        return reported;
    }

    /// <inheritdoc/>
    public PasidStatus EnablePasid(SvmDevice device, SvmBindFlags flags = SvmBindFlags.None)
    {
        ArgumentNullException.ThrowIfNull(device);
        CheckFlags(flags);
        PasidStatus status;
        Enter();
        try
        {
            status = CheckDevice(device, flags, out _);
            if (status == PasidStatus.Success)
            {
                status = PrepareDevice(device, addressSpace: null);
            }
        }
        finally
        {
            Exit(nameof(EnablePasid));
        }

        if (status == PasidStatus.Success)
        {
            _logger?.PasidEnabled(device);
            return status;
        }

        _failures.Count(status);
        _logger?.EnableFailed(device, status);
        return status;
    }

    /// <inheritdoc/>
    public PasidStatus UnbindMm(SvmDevice device, Ioasid pasid)
    {
        ArgumentNullException.ThrowIfNull(device);
        PasidStatus status;
        Enter();
        try
        {
            status = FindRecord(device, pasid, out SvmRecord? record);
            if (status == PasidStatus.Success)
            {
                SvmDeviceRecord? deviceRecord = record!.FindDevice(device);
                if (deviceRecord is null)
                {
                    status = PasidStatus.InvalidArgument;
                }
                else if (deviceRecord.IsDraining || _standstills != 0)
                {
                    status = UnbindAfterPause(device, pasid);
                }
                else
                {
                    UnbindUnsynchronized(record, deviceRecord);
                }
            }
        }
        finally
        {
            Exit(nameof(UnbindMm));
        }

        if (status == PasidStatus.Success)
        {
            return status;
        }

        _failures.Count(status);
        _logger?.UnbindFailed(device, pasid, status);
        return status;
    }

    /// <inheritdoc/>
    public PasidStatus IsPasidValid(SvmDevice device, Ioasid pasid, out bool isValid)
    {
        ArgumentNullException.ThrowIfNull(device);
        while (true)
        {
            PasidStatus status = FindRecord(device, pasid, out SvmRecord? record);
            if (status != PasidStatus.Success)
            {
                isValid = false;
                return status;
            }

            // Bound, and whether its process has exited, are of one moment only if it is still bound afterwards: nothing is bound
            // anew once its process has exited.
            isValid = record!.AddressSpace is not { HasExited: true };
            if (record.IsPublishedIn(this))
            {
                return status;
            }
        }
    }

    /// <inheritdoc/>
    public PasidStatus Lookup(Ioasid pasid, out AddressSpace? addressSpace)
    {
        // The common case calls nothing that takes the address of a local, and so keeps everything in registers.
        if (FindRecordSimply(pasid) is { } record)
        {
            addressSpace = record.AddressSpace;
            return PasidStatus.Success;
        }

        return LookupSlowly(pasid, out addressSpace);
    }

    /// <summary>Undoes one bind for its handle.</summary>
    /// <param name="record">The binding.</param>
    /// <param name="deviceRecord">The device in it.</param>
    /// <param name="isOver">Set once the handle has nothing to undo any more, also if something is thrown then.</param>
    internal void Unbind(SvmRecord record, SvmDeviceRecord deviceRecord, ref bool isOver)
    {
        EnterGate();
        try
        {
            long deadline = Environment.TickCount64 + Courtesy;
            while (deviceRecord.IsDraining || (HasToWait(deviceRecord) && Environment.TickCount64 < deadline))
            {
                WaitForPause(deviceRecord.IsDraining ? Timeout.Infinite : Courtesy);
            }

            // The handle names the very bind, not its number: the PASID may have been freed and given to others since,
            // and under ForkCopiesPasid it may have been pointed at another binding. The kernel would miss this one then.
            if (!_isDisposed
                && deviceRecord.Users != 0
                && FindRecord(record.Pasid, out SvmRecord? current) == PasidStatus.Success
                && ReferenceEquals(current, record))
            {
                isOver = deviceRecord.Users > 1;
                UnbindUnsynchronized(record, deviceRecord);
            }
        }
        finally
        {
            isOver |= _isDisposed || deviceRecord.Users == 0;
            Exit(nameof(Unbind));
        }

        isOver = true;
    }

    private static void CheckFlags(SvmBindFlags flags)
    {
        if ((flags & ~(SvmBindFlags.Private | SvmBindFlags.Supervisor)) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(flags), flags, "Undefined bits are set: combine members of SvmBindFlags.");
        }
    }

    private void CheckBindArguments(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags)
    {
        ArgumentNullException.ThrowIfNull(device);
        CheckFlags(flags);
        if ((flags & SvmBindFlags.Supervisor) != 0)
        {
            return;
        }

        ArgumentNullException.ThrowIfNull(addressSpace);
        if (!ReferenceEquals(addressSpace.Binder, this))
        {
            throw new ArgumentException($"The address space '{addressSpace}' belongs to another binder: bind it with the one that made it.", nameof(addressSpace));
        }
    }

    private PasidStatus FindRecord(SvmDevice device, Ioasid pasid, out SvmRecord? record)
    {
        if (device.Iommu is null)
        {
            record = null;
            return PasidStatus.InvalidArgument;
        }

        return FindRecord(pasid, out record);
    }

    /// <summary>Undoes one bind of a device once it need not wait for others.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus UnbindAfterPause(SvmDevice device, Ioasid pasid)
    {
        long deadline = Environment.TickCount64 + Courtesy;
        while (true)
        {
            PasidStatus status = FindRecord(device, pasid, out SvmRecord? record);
            SvmDeviceRecord? deviceRecord = record?.FindDevice(device);
            if (deviceRecord is null)
            {
                return status == PasidStatus.Success ? PasidStatus.InvalidArgument : status;
            }

            if (!HasToWait(deviceRecord) || (!deviceRecord.IsDraining && Environment.TickCount64 >= deadline))
            {
                UnbindUnsynchronized(record!, deviceRecord);
                return PasidStatus.Success;
            }

            WaitForPause(deviceRecord.IsDraining ? Timeout.Infinite : Courtesy);
            ThrowIfDisposed();
        }
    }

    /// <summary>Finds the binding of a PASID, without the gate, if that takes no call.</summary>
    /// <returns><see langword="null"/> if <see cref="FindRecordSlowly"/> has to be asked.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private SvmRecord? FindRecordSimply(Ioasid pasid) =>
        _ownAllocator is { } allocator && allocator.TryLookupSimply(pasid, out object? data) && data is SvmRecord record && record.IsPublishedIn(this)
            ? record
            : null;

    /// <summary>Finds the binding of a PASID, without the gate.</summary>
    internal PasidStatus FindRecord(Ioasid pasid, out SvmRecord? record)
    {
        record = FindRecordSimply(pasid);
        return record is null ? FindRecordSlowly(pasid, out record) : PasidStatus.Success;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus LookupSlowly(Ioasid pasid, out AddressSpace? addressSpace)
    {
        PasidStatus status = FindRecordSlowly(pasid, out SvmRecord? record);
        addressSpace = record?.AddressSpace;
        return status;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus FindRecordSlowly(Ioasid pasid, out SvmRecord? record)
    {
        SvmRecord? before = null;
        while (true)
        {
            PasidStatus status = _allocator.Lookup(pasid, ioasidSet: null, predicate: null, out object? data);
            record = null;
            if (status > 0)
            {
                throw Throw.UndefinedStatus($"The allocator {_allocator.GetType()}", status);
            }

            if (status != PasidStatus.Success)
            {
                return status;
            }

            if (data is not SvmRecord found || !ReferenceEquals(found.Binder, this))
            {
                return PasidStatus.InvalidArgument;
            }

            status = found.Status;
            if (status == PasidStatus.Success)
            {
                if (_heldPasids is not null && found.Pasid != pasid)
                {
                    throw new InvalidOperationException($"The allocator {_allocator.GetType()} answered the data of PASID {found.Pasid} for PASID {pasid}: it has to answer the data that it was given with the id.");
                }

                record = found;
                return status;
            }

            if (_isRestoring)
            {
                WaitForGate();
                continue;
            }

            // A binding that is not there yet or no more. If the PASID still leads to it, its status is that of the PASID; else the
            // status is of a later moment than the way to it.
            if (ReferenceEquals(found, before))
            {
                return status;
            }

            before = found;
        }
    }

    private void Enter()
    {
        EnterGate();
        if (_isDisposed)
        {
            _gate.Leave();
            Throw.Disposed(this);
        }
    }

    /// <summary>Refuses a binder that was disposed while the gate was left; the caller leaves it.</summary>
    private void ThrowIfDisposed()
    {
        if (_isDisposed)
        {
            Throw.Disposed(this);
        }
    }
}

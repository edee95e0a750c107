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
[DebuggerDisplay("Profile = {Profile.Name}, Bindings = {_bindings.Table.Count}")]
[DebuggerTypeProxy(typeof(SvmBinderDebugView))]
public sealed partial class SvmBinder : ISvmBinder, IMeteredHost
{
    /// <summary>The allocator if it is the library's own, at hand for lookups.</summary>
    private readonly IoasidAllocator? _ownAllocator;

    private readonly HostGate _gate;

    /// <summary>All that is bound. The busiest members read this before they enter the gate: the entering waits for all reads before it,
    /// and all reads after it wait for the entering.</summary>
    private readonly BindingEngine _bindings;

    private readonly StatusCounts _failures = new();
    private readonly ILogger? _logger;
    private readonly PasidMetrics? _metrics;
    private readonly int _pasidLimit;

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
        HostName = options.HostName;
        Profile = options.Profile;
        _pasidLimit = options.PasidLimit;
        _logger = LogCategory.MakeLogger(loggerFactory, nameof(SvmBinder), options.HostName);
        _gate = new HostGate(nameof(SvmBinder), _logger);
        var cpu = new Cpu(options.CpuHasEnqcmd, options.CpuHasEnqcmd && Profile.Enqcmd != EnqcmdSupport.Disabled, options.AddressWidth);
        var processes = new ProcessTable(_gate, cpu, Profile);
        var steps = new Steps(options.Observer, options.FaultInjector, _logger is not null, Profile.Has(KernelQuirks.FirstIommuFlushes), Profile.TearDownFlushes, Profile.ClearsPresentFirst);
        _bindings = new BindingEngine(processes, steps, allocator, Profile, (uint)options.PasidLimit, options.IsDmarDisabled, cpu.IsEnqcmdEnabled, options.AddressWidth);
        processes.Watcher = _bindings;
        _gate.SetInvariants(_bindings.AssertInvariants);
        _metrics = isMeasured ? new PasidMetrics(this, meterFactory, options.HostName) : null;
    }

    /// <inheritdoc/>
    public KernelProfile Profile { get; }

    /// <summary>Gets where PASIDs come from.</summary>
    /// <value>The allocator that was handed in, or the binder's own.</value>
    public IIoasidAllocator Allocator { get; }

    /// <inheritdoc/>
    bool IMeteredHost.IsDisposed => _gate.IsDisposed;

    internal RequestQueues Queues => _bindings.Queues;

    /// <summary>Gets what the host is called in logs and metrics.</summary>
    internal string? HostName { get; }

    /// <inheritdoc/>
    public AddressSpace CreateAddressSpace(string name) => _bindings.Processes.CreateAddressSpace(name);

    /// <inheritdoc/>
    public SvmBinding Bind(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags = SvmBindFlags.None, ISvmDeviceCallbacks? callbacks = null)
    {
        CheckBindArguments(device, addressSpace, flags);
        BindingEngine bindings = _bindings;
        PasidStatus status;
        SvmRecord? record;
        SvmDeviceRecord? deviceRecord = null;
        Ioasid pasid = Ioasid.Invalid;
        BindFailure failure = default;
        using (Operation operation = _gate.Enter())
        {
            status = bindings.Bind(in operation, device, (flags & SvmBindFlags.Supervisor) != 0 ? null : addressSpace, flags, callbacks, out record);
            if (record is not null)
            {
                deviceRecord = record.FindDevice(device)!;
                deviceRecord.HasHandle = true;
                pasid = record.Pasid;
            }
            else
            {
                failure = bindings.Failure;
            }
        }

        CountAndLog(status, failure, pasid, device, addressSpace, flags);
        return record is not null
            ? new SvmBinding(record, deviceRecord!, pasid)
            : throw new PasidException(status, failure.Explain(status, device, addressSpace));
    }

    /// <inheritdoc/>
    public PasidStatus BindMm(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks, out Ioasid pasid)
    {
        CheckBindArguments(device, addressSpace, flags);
        BindingEngine bindings = _bindings;
        PasidStatus status;
        BindFailure failure = default;
        using (Operation operation = _gate.Enter())
        {
            status = bindings.Bind(in operation, device, (flags & SvmBindFlags.Supervisor) != 0 ? null : addressSpace, flags, callbacks, out SvmRecord? record);
            if (record is not null)
            {
                pasid = record.Pasid;
            }
            else
            {
                pasid = Ioasid.Invalid;
                failure = bindings.Failure;
            }
        }

        CountAndLog(status, failure, pasid, device, addressSpace, flags);
        return failure.ReportsSuccess ? PasidStatus.Success : status;
    }

    /// <inheritdoc/>
    public PasidStatus EnablePasid(SvmDevice device, SvmBindFlags flags = SvmBindFlags.None)
    {
        ArgumentNullException.ThrowIfNull(device);
        CheckFlags(flags);
        PasidStatus status;
        using (Operation operation = _gate.Enter())
        {
            status = _bindings.Enable(in operation, device, flags);
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
        BindingEngine bindings = _bindings;
        PasidStatus status;
        using (Operation operation = _gate.Enter())
        {
            status = bindings.Unbind(in operation, device, pasid);
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
        return _bindings.Lookup.IsValid(device, pasid, out isValid);
    }

    /// <inheritdoc/>
    public PasidStatus Lookup(Ioasid pasid, out AddressSpace? addressSpace)
    {
        // The common case calls nothing that takes the address of a local, and so keeps everything in registers.
        if (_ownAllocator is { } allocator && allocator.TryLookupSimply(pasid, out object? data) && data is SvmRecord record && record.IsPublishedIn(_bindings))
        {
            addressSpace = record.AddressSpace;
            return PasidStatus.Success;
        }

        return LookupAtLength(pasid, out addressSpace);
    }

    /// <summary>
    /// Unbinds everything and frees every PASID that the binder holds, those that a quirk lost included. The allocator is
    /// not disposed.
    /// </summary>
    /// <remarks>
    /// Each entry is torn down and flushed, and the observer is told; what callbacks throw is passed on at the end. Look-ups
    /// beside it find some PASIDs still bound and others no more. A second call does nothing. Afterwards handles and address
    /// spaces can be disposed, without effect; look-ups find nothing bound; page requests that wait are nobody's; other members
    /// throw <see cref="ObjectDisposedException"/>. O(bindings).
    /// </remarks>
    /// <exception cref="InvalidOperationException">Called from inside a callback.</exception>
    public void Dispose()
    {
        bool isFirst = false;
        try
        {
            using Operation operation = _gate.EnterAnyhow();
            isFirst = !_gate.IsDisposed;
            if (isFirst)
            {
                operation.Note((_bindings.Table.Count, _bindings.Processes.KeptCount), static (logger, held) => logger.BinderDisposed(held.Count, held.KeptCount));
                _gate.MarkDisposed();
                operation.Complete();
                _bindings.UnbindEverything(in operation);
            }
        }
        finally
        {
            // Whatever was thrown: the numbers of a binder that is disposed are not reported any more.
            if (isFirst)
            {
                _metrics?.Dispose();
            }
        }
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
        if (!ReferenceEquals(addressSpace.Processes, _bindings.Processes))
        {
            throw new ArgumentException($"The address space '{addressSpace}' belongs to another binder: bind it with the one that made it.", nameof(addressSpace));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus LookupAtLength(Ioasid pasid, out AddressSpace? addressSpace)
    {
        PasidStatus status = _bindings.Lookup.Find(pasid, out SvmRecord? record);
        addressSpace = record?.AddressSpace;
        return status;
    }

    /// <summary>Counts a bind that failed, and tells the log how a bind ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountAndLog(PasidStatus status, BindFailure failure, Ioasid pasid, SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags)
    {
        if (status != PasidStatus.Success)
        {
            _failures.Count(status);
        }

        if (_logger is not null)
        {
            Log(_logger, status, failure, pasid, device, addressSpace, flags);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Log(ILogger logger, PasidStatus status, BindFailure failure, Ioasid pasid, SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags)
    {
        string target = (flags & SvmBindFlags.Supervisor) != 0 || addressSpace is null ? "the supervisor" : addressSpace.Name;
        if (status == PasidStatus.Success)
        {
            logger.Bound(device, target, pasid, flags);
        }
        else if (failure.ReportsSuccess)
        {
            logger.FailureReportedAsSuccess(Profile.Name, device, status);
        }
        else if (logger.IsEnabled(LogLevel.Warning))
        {
            logger.BindFailed(device, target, flags, status, failure.Explain(status, device, addressSpace));
        }
    }
}

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// The bindings of Linux 5.6 to 5.8: a PASID per address space reused over its devices, private and supervisor PASIDs, and the
/// roll-back of every step that fails. All but lookups happens inside the gate of the host.
/// </summary>
/// <remarks>Models <c>drivers/iommu/intel-svm.c</c>.</remarks>
internal sealed partial class BindingEngine : IProcessWatcher
{
    private readonly HostGate _gate;
    private readonly Steps _steps;
    private readonly PasidSource _source;
    private readonly NumberOwner _numbers;
    private readonly KernelProfile _profile;
    private readonly DeviceCheck _devices;

    /// <summary>The allocator if it is the library's own, at hand for lookups.</summary>
    private readonly IoasidAllocator? _ownAllocator;

    private SpareDeviceRecords _spareDevices;
    private long _binds;
    private long _unbinds;

    /// <summary>Makes an engine without bindings.</summary>
    /// <param name="processes">The processes of the host.</param>
    /// <param name="steps">What is called out to.</param>
    /// <param name="allocator">Where PASIDs come from.</param>
    /// <param name="profile">Whose kernel it is.</param>
    /// <param name="pasidLimit">What all PASIDs of the host are below.</param>
    /// <param name="isDmarDisabled">Whether DMA remapping is off.</param>
    /// <param name="cpuHasEnqcmd">Whether the processors have ENQCMD.</param>
    /// <param name="addressWidth">How many bits of an address are used.</param>
    public BindingEngine(
        ProcessTable processes,
        Steps steps,
        IIoasidAllocator allocator,
        KernelProfile profile,
        uint pasidLimit,
        bool isDmarDisabled,
        bool cpuHasEnqcmd,
        int addressWidth)
    {
        _gate = processes.Gate;
        _steps = steps;
        _profile = profile;
        _devices = new DeviceCheck(isDmarDisabled);
        _source = new PasidSource(allocator, steps);
        _ownAllocator = _source.Own;
        Lookup = new BindingLookup(this, _source, _gate);
        _numbers = new NumberOwner(_source, steps, _gate, profile, pasidLimit, cpuHasEnqcmd);
        Processes = processes;
        Table = new BindingTable(processes);
        Queues = new RequestQueues(_gate, Lookup, profile, addressWidth);
    }

    /// <summary>Gets the processes of the host.</summary>
    public ProcessTable Processes { get; }

    /// <summary>Gets who looks bindings up.</summary>
    public BindingLookup Lookup { get; }

    /// <summary>Gets all bindings.</summary>
    public BindingTable Table { get; }

    /// <summary>Gets the page request queues of the host, which unbinds drain.</summary>
    public RequestQueues Queues { get; }

    /// <summary>Gets where PASIDs come from.</summary>
    public PasidSource Source => _source;

    /// <summary>Gets whose kernel it is.</summary>
    public KernelProfile Profile => _profile;

    /// <summary>Gets who owns the PASIDs.</summary>
    public NumberOwner Numbers => _numbers;

    /// <summary>Gets why the bind failed that failed last; read before the gate is left.</summary>
    public BindFailure Failure { get; private set; }

    /// <summary>Gets how many binds have succeeded.</summary>
    public long Binds => _binds;

    /// <summary>Gets how many binds were undone.</summary>
    public long Unbinds => _unbinds;

    /// <summary>Finds the binding of a PASID, without the gate, if that takes no call.</summary>
    /// <returns><see langword="null"/> if <see cref="Lookup"/> has to be asked.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SvmRecord? FindSimply(Ioasid pasid) =>
        _ownAllocator is { } allocator && allocator.TryLookupSimply(pasid, out object? data) && data is SvmRecord record && record.IsPublishedIn(this)
            ? record
            : null;

    /// <summary>Unbinds everything and frees all PASIDs, for the end of the binder.</summary>
    public void UnbindEverything(in Operation operation)
    {
        while (Table.NewestOfSupervisor is { } record)
        {
            UnbindAll(in operation, record);
        }

        while (Processes.NewestKept is { } addressSpace)
        {
            while (addressSpace.NewestRecord is { } registered)
            {
                UnbindAll(in operation, registered);
            }

            if (addressSpace.Pasid.IsValid)
            {
                _source.Free(in operation, addressSpace.Pasid, record: null);
                addressSpace.Pasid = Ioasid.Invalid;
                Processes.UpdateKept(addressSpace);
            }
        }

        _numbers.FreeLeaked(in operation);
    }

    /// <summary>Asserts what is cheap to look at and always so between operations.</summary>
    public void AssertInvariants()
    {
        Debug.Assert(Table.Count >= 0 && Processes.KeptCount >= 0, "Nothing is counted below zero.");
        Debug.Assert(Processes.NewestKept is null == (Processes.KeptCount == 0), "The address spaces that are kept are counted.");
        Debug.Assert(Table.Count != 0 || Table.NewestOfSupervisor is null, "The bindings of the supervisor are counted.");
        Debug.Assert(Table.SharedOfSupervisor is null or { IsShared: true, AddressSpace: null, NewestDevice: not null }, "Binds of the supervisor join a binding of its own.");
    }

    PasidStatus IProcessWatcher.OnCopy(in Operation operation, AddressSpace parent) =>
        _steps.Inject(in operation, SvmFaultPoint.AddressSpaceCopy, device: null, parent);

    void IProcessWatcher.OnLastUserGone(in Operation operation, AddressSpace addressSpace)
    {
        for (SvmRecord? record = addressSpace.NewestRecord; record is not null; record = record.OlderRecord)
        {
            for (SvmDeviceRecord? deviceRecord = record.NewestDevice; deviceRecord is not null; deviceRecord = deviceRecord.Older)
            {
                SvmDevice device = deviceRecord.Device;
                _steps.TearDownAndFlush(in operation, device, _steps.FlushingIommu(device, record.FirstDevice), record.FirstDevice, record.Pasid);
            }
        }
    }

    void IProcessWatcher.OnLastPinGone(in Operation operation, AddressSpace addressSpace)
    {
        _steps.Observe(in operation, SvmEventKind.AddressSpaceDestroyed, addressSpace: addressSpace);
        _numbers.Release(in operation, addressSpace);
    }

    /// <summary>Ends a binding whatever its users, for the end of the binder.</summary>
    private void UnbindAll(in Operation operation, SvmRecord record)
    {
        while (record.NewestDevice is { } deviceRecord)
        {
            _unbinds = deviceRecord.Users > long.MaxValue - _unbinds ? long.MaxValue : _unbinds + deviceRecord.Users;
            deviceRecord.Users = 0;
            record.RemoveDevice(deviceRecord);
            _steps.TearDownAndFlush(in operation, deviceRecord.Device, deviceRecord.Device.Iommu!, record.FirstDevice, record.Pasid);
        }

        End(in operation, record);
    }

    /// <summary>Ends a binding without devices.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void End(in Operation operation, SvmRecord record)
    {
        Table.Remove(record);
        _numbers.Release(in operation, record);
        Unregister(in operation, record);
    }

    /// <summary>Drops the pin of a binding on its address space, if it holds one; the last pin of one that has exited destroys it.</summary>
    private void Unregister(in Operation operation, SvmRecord record)
    {
        if (!record.IsRegistered)
        {
            return;
        }

        AddressSpace addressSpace = record.AddressSpace!;
        record.IsRegistered = false;
        NotifierList.Remove(ref addressSpace.NewestNotifier, record);
        _steps.Observe(in operation, SvmEventKind.NotifierUnregistered, addressSpace: addressSpace);
        Processes.EndUnregistration(in operation, addressSpace);
    }
}

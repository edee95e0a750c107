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
    private readonly DeviceCheck _devices;

    /// <summary>The allocator if it is the library's own, at hand for lookups.</summary>
    private readonly IoasidAllocator? _ownAllocator;

    private SpareDeviceRecords _spareDevices;

    public BindingEngine(
        ProcessTable processes,
        Steps steps,
        IIoasidAllocator allocator,
        KernelProfile profile,
        uint pasidLimit,
        bool isDmarDisabled,
        bool isEnqcmdEnabled,
        int addressWidth)
    {
        _gate = processes.Gate;
        _steps = steps;
        Profile = profile;
        _devices = new DeviceCheck(isDmarDisabled);
        Source = new PasidSource(allocator, steps);
        _ownAllocator = Source.Own;
        Lookup = new BindingLookup(this, Source, _gate);
        Numbers = new NumberOwner(Source, steps, _gate, profile, pasidLimit, isEnqcmdEnabled);
        Processes = processes;
        Table = new BindingTable(processes);
        Queues = new RequestQueues(_gate, Lookup, profile, addressWidth);
    }

    public ProcessTable Processes { get; }

    public BindingLookup Lookup { get; }

    public BindingTable Table { get; }

    /// <summary>Gets the page request queues of the host, which unbinds drain.</summary>
    public RequestQueues Queues { get; }

    public PasidSource Source { get; }

    public KernelProfile Profile { get; }

    public NumberOwner Numbers { get; }

    /// <summary>Gets why the bind failed that failed last; read before the gate is left.</summary>
    public BindFailure Failure { get; private set; }

    public long Binds { get; private set; }

    public long Unbinds { get; private set; }

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
                Source.Free(in operation, addressSpace.Pasid, record: null);
                addressSpace.Pasid = Ioasid.Invalid;
                Processes.UpdateKept(addressSpace);
            }
        }

        Numbers.FreeLeaked(in operation);
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
                _steps.TearDownAndFlush(in operation, device, _steps.FlushingIommu(device, record.FirstDevice), record.FirstDevice, record.Pasid, isExit: true);
            }
        }
    }

    void IProcessWatcher.OnUnmapped(in Operation operation, AddressSpace addressSpace, ulong first, ulong last)
    {
        for (SvmRecord? record = addressSpace.NewestRecord; record is not null; record = record.OlderRecord)
        {
            for (SvmDeviceRecord? deviceRecord = record.NewestDevice; deviceRecord is not null; deviceRecord = deviceRecord.Older)
            {
                _steps.InvalidateRange(in operation, deviceRecord.Device, record.FirstDevice, record.Pasid, first, last);
            }
        }
    }

    void IProcessWatcher.OnLastPinGone(in Operation operation, AddressSpace addressSpace)
    {
        _steps.Observe(in operation, SvmEventKind.AddressSpaceDestroyed, addressSpace: addressSpace);
        Numbers.Release(in operation, addressSpace);
    }

    /// <summary>Ends a binding whatever its users, for the end of the binder.</summary>
    private void UnbindAll(in Operation operation, SvmRecord record)
    {
        while (record.NewestDevice is { } deviceRecord)
        {
            Unbinds = deviceRecord.Users > long.MaxValue - Unbinds ? long.MaxValue : Unbinds + deviceRecord.Users;
            deviceRecord.Users = 0;
            record.Devices.Remove(deviceRecord);
            _steps.TearDownAndFlush(in operation, deviceRecord.Device, deviceRecord.Device.Iommu!, record.FirstDevice, record.Pasid);
        }

        End(in operation, record);
    }

    /// <summary>Ends a binding without devices.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void End(in Operation operation, SvmRecord record)
    {
        Table.Remove(record);
        Numbers.Release(in operation, record);
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

using System.Globalization;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <summary>Applies steps to a binder, and watches what it does.</summary>
internal sealed partial class BinderReplay : IReplay, ISvmObserver, ISvmFaultInjector
{
    private readonly Dictionary<string, SvmDevice> _devices = new(StringComparer.Ordinal);
    private readonly List<AddressSpace> _addressSpaces = [];
    private readonly Dictionary<string, AddressSpace> _addressSpacesByName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Callbacks> _callbacks = new(StringComparer.Ordinal);
    private readonly List<string> _events = [];
    private readonly List<string> _descriptors = [];
    /// <summary>What files call a table of callbacks that has none for page requests.</summary>
    private const string Silent = "silent";

    private readonly FileFormat _format;
    private SvmFaultPoint? _armed;
    private PasidSnapshot? _snapshot;
    private string[] _leftThen = [];

    public BinderReplay(BinderScenario scenario)
    {
        _format = scenario.Format;
        _topology = scenario.Topology;
        Binder = new SvmBinder(new PasidOptions
        {
            Profile = scenario.Profile,
            PasidLimit = scenario.Topology.PasidLimit,
            IsDmarDisabled = scenario.Topology.IsDmarDisabled,
            AddressWidth = scenario.Topology.AddressWidth,
            CpuHasEnqcmd = scenario.Topology.CpuHasEnqcmd,
            Observer = this,
            FaultInjector = this,
        });

        Dictionary<string, ReplayIommu> iommus = scenario.Topology.Iommus
            .ToDictionary(iommu => iommu.Name, iommu => new ReplayIommu(iommu), StringComparer.Ordinal);
        foreach (TopologyDevice device in scenario.Topology.Devices)
        {
            ReplayIommu? iommu = device.Iommu is null ? null : iommus[device.Iommu];
            var svmDevice = new SvmDevice(device.Name, iommu)
            {
                IsPci = device.IsPci,
                MaxPasids = device.MaxPasids,
                SupportsPasid = device.SupportsPasid,
                SourceId = device.SourceId,
                HasAts = device.HasAts,
                HasPri = device.HasPri,
            };
            iommu?.EnableStatuses.Add(svmDevice, device.EnableStatus);
            _devices.Add(device.Name, svmDevice);
        }

        foreach (TopologyWorkQueue queue in scenario.Topology.WorkQueues)
        {
            _workQueues.Add(queue.Name, WorkQueue.Make(queue));
        }

        foreach (ReplayIommu iommu in iommus.Values)
        {
            _queues.Add(new PageRequestQueue(Binder, iommu, this, new PageRequestQueueOptions
            {
                Capacity = scenario.Topology.QueueCapacity,
                HardwareAnswers = scenario.Topology.HardwareAnswers,
                Observer = this,
            }));
        }

        foreach (string name in scenario.Topology.AddressSpaces)
        {
            Add(Binder.CreateAddressSpace(name));
        }
    }

    public SvmBinder Binder { get; }

    public IReadOnlyList<AddressSpace> AddressSpaces => _addressSpaces;

    public IReadOnlyList<Answer> Apply(Step step)
    {
        _events.Clear();
        _descriptors.Clear();
        ClearAnswering();
        List<Answer> answers = [];
        switch (step)
        {
            case BindStep s:
                Bind(s, answers);
                break;
            case UnbindStep s:
                answers.Add(Number("ret", (long)Binder.UnbindMm(_devices[s.Device], s.Pasid)));
                break;
            case IsValidStep s:
                PasidStatus status = Binder.IsPasidValid(_devices[s.Device], s.Pasid, out bool isValid);
                answers.Add(Number("ret", isValid ? 1 : (long)status));
                break;
            case ExitStep s:
                FindAddressSpace(s.AddressSpace).Exit();
                _left.Add(s.AddressSpace);
                break;
            case ForkStep s:
                _armed = s.Fails ? SvmFaultPoint.AddressSpaceCopy : null;
                Make(s.AddressSpace, s.Child, answers, parent => parent.Fork(s.Child));
                _armed = null;
                break;
            case ExecStep s:
                Make(s.AddressSpace, s.Next, answers, current => Exec(current, s));
                break;
            case SnapshotStep:
                _snapshot = Binder.CaptureSnapshot();
                _leftThen = [.. _left];
                break;
            case RestoreStep:
                Restore();
                break;
            default:
                if (!ApplyToThreads(step, answers) && !ApplyToQueues(step, answers))
                {
                    throw new ArgumentException($"'{step.Info.Op}' is no step of a binder.", nameof(step));
                }

                break;
        }

        AddEffects(step, answers);
        return answers;
    }

    void ISvmObserver.OnEvent(in SvmEvent svmEvent)
    {
        string text = svmEvent.ToString();
        switch (svmEvent.Kind)
        {
            case SvmEventKind.PasidCacheInvalidated or SvmEventKind.IotlbInvalidated or SvmEventKind.DeviceTlbInvalidated:
                // Recordings tell of no flush that is part of a tear-down.
                if (_format == FileFormat.Scenario || Binder.Profile.PageRequests < PageRequestRules.Linux58)
                {
                    _descriptors.Add(text);
                }

                break;
            case SvmEventKind.KernelWarned:
                _log.Add(text);
                break;
            default:
                _events.Add(text);
                _log.Add(text);
                break;
        }
    }

    PasidStatus ISvmFaultInjector.Inject(SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace)
    {
        if (point != _armed)
        {
            return PasidStatus.Success;
        }

        return point == SvmFaultPoint.PasidEntrySetup ? PasidStatus.InvalidArgument : PasidStatus.OutOfMemory;
    }

    public void Dispose()
    {
        _queues.ForEach(static queue => queue.Dispose());
        Binder.Dispose();
    }

    private void AddEffects(Step step, List<Answer> answers)
    {
        if (_format == FileFormat.PageRequestRecording && !AddAnswering(step, answers))
        {
            return;
        }

        answers.Add(new Answer("events", Canonical.Strings(_events)));
        answers.Add(new Answer("qi", Canonical.Strings(_descriptors)));
        answers.Add(new Answer("state.mm_pasid", limit => Canonical.NumbersByName(
            _addressSpaces
                .Where(addressSpace => !addressSpace.IsDestroyed)
                .Select(addressSpace => KeyValuePair.Create(addressSpace.Name, addressSpace.Pasid.IsValid ? (long)addressSpace.Pasid.Value : 0)),
            limit)));
        answers.Add(new Answer("state.live", limit => Canonical.Numbers(Binder.Allocator.LiveIds().Select(id => (long)id.Value), limit)));
        answers.Add(new Answer("state.svms", limit => Canonical.Bindings(Binder.GetBindings().Select(Picture), limit)));
        if (_format == FileFormat.Scenario)
        {
            AddLife(answers);
        }
    }

    private static Answer Number(string key, long value) => new(key, value.ToString(CultureInfo.InvariantCulture));

    private static BindingAnswer Picture(SvmBindingInfo binding) => new(
        binding.Pasid.Value,
        binding.AddressSpace?.Name,
        (long)binding.Flags,
        [.. binding.Devices.Select(device => KeyValuePair.Create(device.Device.Name, device.Users))]);

    private void Bind(BindStep step, List<Answer> answers)
    {
        SvmDevice device = _devices[step.Device];
        Ioasid pasid = Ioasid.Invalid;
        _armed = step.Fault;
        PasidStatus status = step.WantsPasid
            ? Binder.BindMm(device, FindAddressSpace(step.AddressSpace), step.Flags, FindCallbacks(step.Callbacks), out pasid)
            : Binder.EnablePasid(device, step.Flags);
        _armed = null;
        answers.Add(Number("ret", (long)status));
        answers.Add(pasid.IsValid ? Number("pasid", pasid.Value) : new Answer("pasid", "null"));
    }

    /// <summary>Makes an address space from another. One that has exited has no task that could ask: the new name then stands for
    /// one that is gone.</summary>
    private void Make(string name, string made, List<Answer> answers, Func<AddressSpace, AddressSpace> make)
    {
        AddressSpace addressSpace = FindAddressSpace(name);
        PasidStatus status = PasidStatus.InvalidArgument;
        if (!addressSpace.HasExited && !_left.Contains(name))
        {
            try
            {
                Add(make(addressSpace));
                answers.Add(Number("ret", (long)PasidStatus.Success));
                return;
            }
            catch (PasidException exception)
            {
                status = exception.Status;
            }
        }

        int events = _events.Count;
        Add(Binder.CreateAddressSpace(made)).Exit();
        _events.RemoveRange(events, _events.Count - events);
        answers.Add(Number("ret", (long)status));
    }

    private void Restore()
    {
        IReadOnlyList<AddressSpace> restored = Binder.Restore(_snapshot!, new PasidSnapshotMap
        {
            FindDevice = name => _devices.GetValueOrDefault(name),
            FindAddressSpace = name => _addressSpacesByName.GetValueOrDefault(name),
            FindCallbacks = FindCallbacks,
            FindPortal = name => _workQueues.GetValueOrDefault(name),
        });
        foreach (AddressSpace addressSpace in restored)
        {
            _left.Remove(addressSpace.Name);
            if (_leftThen.Contains(addressSpace.Name))
            {
                _left.Add(addressSpace.Name);
            }

            // Another object stands for each thread now; one that went on elsewhere by an exec ends there, and is no part of the story.
            int events = _events.Count;
            foreach (SvmThread thread in addressSpace.GetThreads())
            {
                Exit(_threads[thread.Name]);
                _threads[thread.Name] = thread;
            }

            _events.RemoveRange(events, _events.Count - events);
        }
    }

    private AddressSpace FindAddressSpace(string name) => _addressSpacesByName[name];

    private AddressSpace Add(AddressSpace addressSpace)
    {
        _addressSpaces.Add(addressSpace);
        _addressSpacesByName.Add(addressSpace.Name, addressSpace);
        return addressSpace;
    }

    private Callbacks? FindCallbacks(string? name)
    {
        if (name is null)
        {
            return null;
        }

        if (!_callbacks.TryGetValue(name, out Callbacks? callbacks))
        {
            _callbacks.Add(name, callbacks = new Callbacks(name, this));
        }

        return callbacks;
    }

    private sealed class Callbacks(string name, BinderReplay replay) : ISvmDeviceCallbacks
    {
        public string Name { get; } = name;

        public void OnPageRequest(SvmDevice device, Ioasid pasid, ulong address, UInt128? privateData, PageRequestRights rights, PageResponseCode code)
        {
            if (Name != Silent)
            {
                replay.Tell(Name, device, pasid, address, privateData, rights, code);
            }
        }
    }
}

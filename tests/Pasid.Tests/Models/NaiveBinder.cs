using System.Globalization;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Models;

/// <summary>
/// The simplest binder that is right: lists that are searched from end to end, and each rule of the kernel where the kernel
/// has it. It answers the steps of a scenario as the library has to.
/// </summary>
internal sealed partial class NaiveBinder : IReplay
{
    private const int Busy = -16;
    private const int Invalid = -22;
    private const int NoSpace = -28;
    private const int NotFound = -2;
    private const int OutOfMemory = -12;
    private readonly Topology _topology;
    private readonly KernelProfile _profile;
    private readonly List<string> _events = [];
    private readonly List<string> _descriptors = [];
    private World _world = new();
    private World? _snapshot;

    public NaiveBinder(BinderScenario scenario)
    {
        _topology = scenario.Topology;
        _profile = scenario.Profile;
        _world.Spaces.AddRange(_topology.AddressSpaces.Select(name => new Space { Name = name }));
        foreach (TopologyIommu iommu in _topology.Iommus)
        {
            _world.Rings.Add(iommu.Name, new Ring());
        }
    }

    /// <summary>Gets a value indicating whether a tear-down flushes.</summary>
    private bool FlushesEarly => _profile.PageRequests != PageRequestRules.Linux56;

    public IReadOnlyList<Answer> Apply(Step step)
    {
        _events.Clear();
        _descriptors.Clear();
        _responses.Clear();
        _told.Clear();
        List<Answer> answers = [];
        switch (step)
        {
            case BindStep s:
                uint? pasid = null;
                int ret = s.WantsPasid ? Bind(s, out pasid) : Enable(s);
                answers.Add(Number("ret", ret));
                answers.Add(pasid is { } got ? Number("pasid", got) : new Answer("pasid", "null"));
                break;
            case UnbindStep s:
                answers.Add(Number("ret", Unbind(Device(s.Device), s.Pasid.Value)));
                break;
            case IsValidStep s:
                answers.Add(Number("ret", IsValid(Device(s.Device), s.Pasid.Value)));
                break;
            case ExitStep s:
                Exit(Find(s.AddressSpace));
                break;
            case ForkStep s:
                answers.Add(Number("ret", Fork(s)));
                break;
            case ExecStep s:
                answers.Add(Number("ret", Exec(s)));
                break;
            case SnapshotStep:
                _snapshot = _world.Copy();
                break;
            case RestoreStep:
                Restore();
                break;
            default:
                ApplyToLife(step, answers);
                break;
        }

        answers.Add(new Answer("events", Canonical.Strings(_events)));
        answers.Add(new Answer("qi", Canonical.Strings(_descriptors)));
        answers.Add(new Answer("state.mm_pasid", Canonical.NumbersByName(_world.Spaces.Where(s => !s.IsDestroyed).Select(s => KeyValuePair.Create(s.Name, (long)s.Pasid)))));
        answers.Add(new Answer("state.live", Canonical.Numbers(_world.Ids.Keys.Select(id => (long)id))));
        answers.Add(new Answer("state.svms", Canonical.Bindings(_world.Svms.Select(svm => new BindingAnswer(
            svm.Pasid,
            svm.Space?.Name,
            svm.Flags,
            [.. svm.Devices.Select(d => KeyValuePair.Create(d.Device.Name, (long)d.Users))])))));
        AddLife(answers);
        return answers;
    }

    public void Dispose()
    {
    }

    private static Answer Number(string key, long value) => new(key, value.ToString(CultureInfo.InvariantCulture));

    private TopologyDevice Device(string name) => _topology.Devices.Single(device => device.Name == name);

    private TopologyIommu Iommu(TopologyDevice device) => _topology.Iommus.Single(iommu => iommu.Name == device.Iommu);

    private Space Find(string name) => _world.Spaces.Single(space => space.Name == name);

    private int Check(BindStep step, TopologyDevice device, out uint width)
    {
        width = 0;
        if (device.Iommu is null || _topology.IsDmarDisabled)
        {
            return Invalid;
        }

        if (!Iommu(device).IsSvmCapable)
        {
            return (int)PasidStatus.NotSupported;
        }

        if (device.IsPci && device.MaxPasids < 0)
        {
            return Invalid;
        }

        width = device.IsPci ? (uint)device.MaxPasids : 1 << 20;
        return step.Flags.HasFlag(SvmBindFlags.Supervisor) && !Iommu(device).SupportsSupervisor ? Invalid : 0;
    }

    private int Prepare(BindStep step, TopologyDevice device)
    {
        if (step.Fault == SvmFaultPoint.DeviceRecord)
        {
            return OutOfMemory;
        }

        Tell($"enable_pasid {device.Iommu} {device.Name}", (int)device.EnableStatus);
        return (int)device.EnableStatus;
    }

    private int Enable(BindStep step)
    {
        int ret = Check(step, Device(step.Device), out _);
        return ret != 0 ? ret : Prepare(step, Device(step.Device));
    }

    private int Bind(BindStep step, out uint? pasid)
    {
        pasid = null;
        TopologyDevice device = Device(step.Device);
        int ret = Check(step, device, out uint width);
        if (ret != 0)
        {
            return ret;
        }

        Space? space = step.Flags.HasFlag(SvmBindFlags.Supervisor) ? null : Find(step.AddressSpace);
        if (space is { HasLeft: true })
        {
            return Invalid;
        }

        bool isPrivate = step.Flags.HasFlag(SvmBindFlags.Private);
        Svm? svm = isPrivate ? null : _world.Svms.Find(s => !s.IsPrivate && s.Space == space);
        uint remembered = isPrivate ? 0 : space?.Pasid ?? 0;
        if (svm is not null)
        {
            if (svm.Pasid >= width)
            {
                return NoSpace;
            }

            if (svm.Devices.Find(d => d.Device == device) is { } bound)
            {
                if (bound.Callbacks != step.Callbacks)
                {
                    return Busy;
                }

                bound.Users++;
                pasid = svm.Pasid;
                return 0;
            }
        }
        else if (remembered != 0 && remembered >= width && !_profile.Has(KernelQuirks.RebindSkipsWidthCheck))
        {
            return NoSpace;
        }

        ret = Prepare(step, device);
        if (ret != 0)
        {
            return ret;
        }

        if (!device.SupportsPasid)
        {
            return _profile.Has(KernelQuirks.UnsupportedDeviceReportsSuccess) ? 0 : (int)PasidStatus.OperationNotSupported;
        }

        if (svm is not null)
        {
            ret = SetUp(step, device, svm);
            if (ret == 0)
            {
                svm.Devices.Insert(0, new Bound(device) { Callbacks = step.Callbacks });
                pasid = svm.Pasid;
            }

            return ret;
        }

        return BindFirst(step, device, space, width, remembered, out pasid);
    }

    private int BindFirst(BindStep step, TopologyDevice device, Space? space, uint width, uint remembered, out uint? pasid)
    {
        pasid = null;
        if (step.Fault == SvmFaultPoint.SvmRecord)
        {
            return OutOfMemory;
        }

        var svm = new Svm { Space = space, Flags = (int)step.Flags, FirstDevice = device };
        if (remembered != 0)
        {
            svm.Pasid = remembered;
            if (_world.Ids.ContainsKey(remembered))
            {
                _world.Ids[remembered] = svm;
            }
            else if (!_profile.Has(KernelQuirks.ForkCopiesPasid))
            {
                return NotFound;
            }

            Tell($"ioasid_set_data {remembered} svm");
        }
        else
        {
            uint limit = Math.Min(width, (uint)_topology.PasidLimit);
            uint maximum = limit == 0 && !_profile.Has(KernelQuirks.ZeroLimitWraps) ? 0 : unchecked(limit - 1);
            uint free = 1;
            while (_world.Ids.ContainsKey(free))
            {
                free++;
            }

            svm.Pasid = free <= maximum ? free : uint.MaxValue;
            Tell($"ioasid_alloc 1..{maximum} -> {svm.Pasid}");
            if (free > maximum)
            {
                return _profile.Has(KernelQuirks.ExhaustionReportsSuccess) ? 0 : NoSpace;
            }

            _world.Ids.Add(free, svm);
        }

        int ret = space is null ? 0 : step.Fault == SvmFaultPoint.NotifierRegistration ? OutOfMemory : 0;
        if (space is not null)
        {
            Tell($"notifier_register {space.Name}", ret);
        }

        bool isRegistered = space is not null && ret == 0;
        if (ret == 0)
        {
            ret = SetUp(step, device, svm);
        }

        if (ret != 0)
        {
            if (isRegistered)
            {
                Tell($"notifier_unregister {space!.Name}");
            }

            UndoPasid(svm, remembered);
            return ret;
        }

        svm.Devices.Add(new Bound(device) { Callbacks = step.Callbacks });
        _world.Svms.Add(svm);
        if (!svm.IsPrivate && space is not null && _profile.Lifetime == PasidLifetime.AddressSpace)
        {
            space.Pasid = svm.Pasid;
        }

        pasid = svm.Pasid;
        return 0;
    }

    private void UndoPasid(Svm svm, uint remembered)
    {
        svm.IsOver = true;
        if (remembered == 0)
        {
            FreeId(svm.Pasid);
        }
        else if (!_profile.Has(KernelQuirks.FailedRebindLeavesData))
        {
            ClearData(svm.Pasid);
        }
    }

    private int SetUp(BindStep step, TopologyDevice device, Svm svm)
    {
        int ret = step.Fault == SvmFaultPoint.PasidEntrySetup ? Invalid : 0;
        string target = svm.Space is null ? "mm=init super=1" : $"mm={svm.Space.Name} super=0";
        Tell($"setup {device.Iommu} {device.Name} pasid={svm.Pasid} {target}", ret);
        return ret;
    }

    private int Lookup(TopologyDevice device, uint pasid, out Svm svm)
    {
        svm = null!;
        if (device.Iommu is null)
        {
            return Invalid;
        }

        if (!_world.Ids.TryGetValue(pasid, out Svm? found))
        {
            return NotFound;
        }

        svm = found!;
        return found is null or { IsOver: true } ? Invalid : 0;
    }

    private int IsValid(TopologyDevice device, uint pasid)
    {
        int ret = Lookup(device, pasid, out Svm svm);
        return ret != 0 ? ret : svm.Space is { HasExited: true } ? 0 : 1;
    }

    private int Unbind(TopologyDevice device, uint pasid)
    {
        int ret = Lookup(device, pasid, out Svm svm);
        if (ret != 0)
        {
            return ret;
        }

        if (svm.Devices.Find(d => d.Device == device) is not { } bound)
        {
            return Invalid;
        }

        if (--bound.Users != 0)
        {
            return 0;
        }

        Tell($"tear_down {device.Iommu} {device.Name} pasid={pasid}");
        if (FlushesEarly)
        {
            Flush(device, svm);
        }

        svm.Devices.Remove(bound);
        if (!_profile.Has(KernelQuirks.UnbindSkipsDrain) && device.HasPri)
        {
            Drain(device, pasid);
        }

        if (!FlushesEarly)
        {
            Flush(device, svm);
        }

        if (svm.Devices.Count != 0)
        {
            return 0;
        }

        svm.IsOver = true;
        _world.Svms.Remove(svm);
        bool isKept = _profile.Lifetime == PasidLifetime.AddressSpace
            && (svm is { IsPrivate: false, Space: not null } || _profile.Has(KernelQuirks.PrivateAndSupervisorPasidsLeak));
        if (isKept)
        {
            ClearData(pasid);
        }
        else
        {
            FreeId(pasid);
        }

        if (svm.Space is { } space)
        {
            Tell($"notifier_unregister {space.Name}");
            if (space.HasExited)
            {
                DestroyUnpinned(space);
            }
        }

        return 0;
    }

    private void Exit(Space space)
    {
        if (space.HasLeft)
        {
            return;
        }

        space.HasLeft = true;
        space.Threads.Clear();
        if (!space.HasExited)
        {
            return;
        }

        space.Portals.Clear();
        foreach (Svm svm in _world.Svms.Where(s => s.Space == space).Reverse())
        {
            foreach (Bound bound in svm.Devices)
            {
                string? iommu = Flushing(bound.Device, svm).Iommu;
                Tell(FlushesEarly ? $"tear_down {iommu} {bound.Device.Name} pasid={svm.Pasid} fault_ignore" : (FormattableString)$"tear_down {iommu} {bound.Device.Name} pasid={svm.Pasid}");
                Flush(bound.Device, svm);
            }
        }

        DestroyUnpinned(space);
    }

    private void DestroyUnpinned(Space space)
    {
        if (_world.Svms.Exists(svm => svm.Space == space))
        {
            return;
        }

        space.IsDestroyed = true;
        Tell($"mm_destroy {space.Name}");
        if (space.Pasid != 0)
        {
            FreeId(space.Pasid);
            space.Pasid = 0;
        }
    }

    private int Fork(ForkStep step)
    {
        Space parent = Find(step.AddressSpace);
        var child = new Space { Name = step.Child };
        _world.Spaces.Add(child);
        if (parent.HasLeft)
        {
            child.HasLeft = true;
            child.IsDestroyed = true;
            return Invalid;
        }

        child.Pasid = _profile.Has(KernelQuirks.ForkCopiesPasid) ? parent.Pasid : 0;
        if (!step.Fails)
        {
            return 0;
        }

        child.HasLeft = true;
        DestroyUnpinned(child);
        return OutOfMemory;
    }

    private int Exec(ExecStep step)
    {
        Space current = Find(step.AddressSpace);
        var next = new Space { Name = step.Next };
        if (current.HasLeft)
        {
            next.HasLeft = true;
            next.IsDestroyed = true;
            _world.Spaces.Add(next);
            return Invalid;
        }

        bool goesOn = step.Thread is not null && current.Threads.ContainsKey(step.Thread);
        Exit(current);
        _world.Spaces.Add(next);
        if (goesOn)
        {
            next.Threads.Add(step.Thread!, 0);
        }

        return 0;
    }

    /// <summary>Goes back. Address spaces that had neither PASID nor binding in the snapshot are not part of it: they lose what
    /// they got since, and what they did themselves stays done.</summary>
    private void Restore()
    {
        World now = _world;
        _world = _snapshot!.Copy();
        foreach (Space space in now.Spaces)
        {
            Space? then = _world.Spaces.Find(s => s.Name == space.Name);
            if (then is not null && IsKept(_world, then))
            {
                continue;
            }

            if (then is null)
            {
                _world.Spaces.Add(then = new Space { Name = space.Name });
            }

            then.LeakedUsers = space.LeakedUsers;
            then.Threads = space.Threads.Keys.Where(thread => !_snapshot.Spaces.Exists(s => s.Threads.ContainsKey(thread) && IsKept(_snapshot, s))).ToDictionary(thread => thread, _ => 0u);

            // With its last thread, which goes on where it was then, a process leaves.
            then.HasLeft = space.HasLeft || (then.Threads.Count == 0 && space.Threads.Count != 0);
            then.IsDestroyed = then.HasExited;
            then.Portals = then.HasExited ? [] : space.Portals;
        }
    }

    private static bool IsKept(World world, Space space) => space.Pasid != 0 || world.Svms.Exists(svm => svm.Space == space);

    private TopologyDevice Flushing(TopologyDevice device, Svm svm) =>
        _profile.Has(KernelQuirks.FirstIommuFlushes) ? svm.FirstDevice : device;

    private void Flush(TopologyDevice device, Svm svm)
    {
        string? iommu = FlushesEarly ? device.Iommu : Flushing(device, svm).Iommu;
        if (FlushesEarly)
        {
            _descriptors.Add(string.Create(CultureInfo.InvariantCulture, $"{iommu} pasid_cache pasid={svm.Pasid} did=1"));
        }
        else
        {
            Tell($"flush {device.Name} pasid={svm.Pasid}");
        }

        _descriptors.Add(string.Create(CultureInfo.InvariantCulture, $"{iommu} iotlb pasid={svm.Pasid} did=1"));
        if (device.HasAts)
        {
            _descriptors.Add(string.Create(CultureInfo.InvariantCulture, $"{iommu} dev_iotlb pasid={svm.Pasid} sid={device.SourceId} qdep=0"));
        }
    }

    private void FreeId(uint pasid)
    {
        _world.Ids.Remove(pasid);
        Tell($"ioasid_free {pasid}");
    }

    private void ClearData(uint pasid)
    {
        if (_world.Ids.ContainsKey(pasid))
        {
            _world.Ids[pasid] = null;
        }

        Tell($"ioasid_set_data {pasid} null");
    }

    private void Tell(FormattableString line, int ret = 0) =>
        _events.Add(line.ToString(CultureInfo.InvariantCulture) + (ret == 0 ? string.Empty : $" = {ret.ToString(CultureInfo.InvariantCulture)}"));

    private sealed class World
    {
        public List<Space> Spaces { get; } = [];

        /// <summary>Gets the bindings, oldest first.</summary>
        public List<Svm> Svms { get; } = [];

        public SortedDictionary<uint, Svm?> Ids { get; } = [];

        /// <summary>Gets the page request queues, by their IOMMU.</summary>
        public Dictionary<string, Ring> Rings { get; } = [];

        public World Copy()
        {
            var copy = new World();
            foreach ((string iommu, Ring ring) in Rings)
            {
                copy.Rings.Add(iommu, ring.Copy());
            }

            copy.Spaces.AddRange(Spaces.Select(space => space.Copy()));
            Dictionary<Svm, Svm> svms = [];
            foreach (Svm svm in Svms.Concat(Ids.Values.OfType<Svm>()).Distinct())
            {
                svms.Add(svm, svm.Copy(copy.Spaces.Find(space => space.Name == svm.Space?.Name)));
            }

            copy.Svms.AddRange(Svms.Select(svm => svms[svm]));
            foreach ((uint id, Svm? svm) in Ids)
            {
                copy.Ids.Add(id, svm is null ? null : svms[svm]);
            }

            return copy;
        }
    }

    private sealed class Ring
    {
        /// <summary>Gets what waits, oldest first.</summary>
        public List<PageRequestFields> Requests { get; private init; } = [];

        public int Head { get; set; }

        public bool IsPending { get; set; }

        public bool HasOverflowed { get; set; }

        public bool IsDead { get; set; }

        public Ring Copy() => new() { Requests = [.. Requests], Head = Head, IsPending = IsPending, HasOverflowed = HasOverflowed, IsDead = IsDead };
    }

    private sealed class Space
    {
        public required string Name { get; init; }

        public uint Pasid { get; set; }

        public bool HasLeft { get; set; }

        /// <summary>Gets or sets how many users page requests left behind.</summary>
        public int LeakedUsers { get; set; }

        public bool HasExited => HasLeft && LeakedUsers == 0;

        public bool IsDestroyed { get; set; }

        /// <summary>Gets or sets the registers of the threads, by name.</summary>
        public Dictionary<string, uint> Threads { get; set; } = [];

        /// <summary>Gets or sets the work queues, by address.</summary>
        public Dictionary<ulong, string> Portals { get; set; } = [];

        public Space Copy()
        {
            var copy = (Space)MemberwiseClone();
            copy.Threads = new Dictionary<string, uint>(Threads);
            copy.Portals = new Dictionary<ulong, string>(Portals);
            return copy;
        }
    }

    private sealed class Svm
    {
        public uint Pasid { get; set; }

        public Space? Space { get; init; }

        public int Flags { get; init; }

        public required TopologyDevice FirstDevice { get; init; }

        public bool IsOver { get; set; }

        public bool IsPrivate => (Flags & (int)SvmBindFlags.Private) != 0;

        /// <summary>Gets the devices, newest first.</summary>
        public List<Bound> Devices { get; private init; } = [];

        public Svm Copy(Space? space) => new()
        {
            Pasid = Pasid,
            Space = space,
            Flags = Flags,
            FirstDevice = FirstDevice,
            IsOver = IsOver,
            Devices = [.. Devices.Select(d => new Bound(d.Device) { Users = d.Users, Callbacks = d.Callbacks })],
        };
    }

    private sealed class Bound(TopologyDevice device)
    {
        public TopologyDevice Device { get; } = device;

        public int Users { get; set; } = 1;

        public string? Callbacks { get; init; }
    }
}

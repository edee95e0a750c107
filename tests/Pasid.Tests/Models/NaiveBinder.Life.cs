using System.Globalization;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Models;

/// <content>Threads, commands and page requests.</content>
internal sealed partial class NaiveBinder
{
    private const uint Valid = 1u << 31;
    private readonly List<string> _responses = [];
    private readonly List<string> _told = [];
    private readonly List<string> _threadNames = [];
    private readonly Dictionary<string, List<AddressRegion>> _regions = [];
    private readonly HashSet<string> _dumping = [];
    private readonly Dictionary<string, int> _taken = [];
    private readonly Dictionary<string, uint> _configured = [];

    private void ApplyToLife(Step step, List<Answer> answers)
    {
        switch (step)
        {
            case ThreadStep s:
                _threadNames.Add(s.Thread);
                Space process = Find(s.AddressSpace);
                if (!process.HasLeft)
                {
                    process.Threads.Add(s.Thread, 0);
                }

                answers.Add(Number("ret", process.HasLeft ? Invalid : 0));
                break;
            case ThreadExitStep s:
                if (SpaceOf(s.Thread) is { } left)
                {
                    left.Threads.Remove(s.Thread);
                    if (left.Threads.Count == 0)
                    {
                        Exit(left);
                    }
                }

                break;
            case MapPortalStep s:
                Space mapping = Find(s.AddressSpace);
                answers.Add(Number("ret", !mapping.HasExited && mapping.Portals.TryAdd(s.Address, s.WorkQueue) ? 0 : Invalid));
                break;
            case UnmapPortalStep s:
                answers.Add(Number("ret", Find(s.AddressSpace).Portals.Remove(s.Address) ? 0 : Invalid));
                break;
            case EnqcmdStep s:
                Execute(s, answers);
                break;
            case ConfigureStep s:
                _configured[s.WorkQueue] = s.Pasid.Value;
                break;
            case Movdir64BStep s:
                answers.Add(Text("ret", Move(s)));
                break;
            case CompleteStep s:
                _taken[s.WorkQueue] = 0;
                break;
            case MapRegionStep s:
                List<AddressRegion> regions = _regions.TryGetValue(s.AddressSpace, out List<AddressRegion>? known) ? known : _regions[s.AddressSpace] = [];
                bool overlaps = regions.Exists(region => region.Start <= s.Region.Last && s.Region.Start <= region.Last);
                if (!overlaps)
                {
                    regions.Add(s.Region);
                }

                answers.Add(Number("ret", overlaps ? Invalid : 0));
                break;
            case CoreDumpStep s:
                if (s.IsOn)
                {
                    _dumping.Add(s.AddressSpace);
                }
                else
                {
                    _dumping.Remove(s.AddressSpace);
                }

                break;
            case PageRequestStep s:
                answers.Add(new Answer("ret", Enqueue(s.Request with { Address = s.Request.Address / 4096 * 4096 }) ? "true" : "false"));
                break;
            case ProcessStep s:
                bool wasDead = _world.Rings.Values.Any(ring => ring.IsDead);
                int handled = _world.Rings.Where(ring => s.Iommu is null || ring.Key == s.Iommu).Sum(ring => Run(ring.Value));
                answers.Add(Number("ret", handled));
                answers.Add(new Answer("irq", wasDead ? "null" : handled == 0 ? "0" : "1"));
                answers.Add(new Answer("dead", _world.Rings.Values.Any(ring => ring.IsDead) ? "true" : "false"));
                break;
        }
    }

    private static Answer Text(string key, string value) => new(key, $"\"{value}\"");

    private static bool IsDue(PageRequestFields request) => request.IsLast || request.PrivateData is not null;

    private Space? SpaceOf(string thread) => _world.Spaces.Find(space => space.Threads.ContainsKey(thread));

    private void Execute(EnqcmdStep step, List<Answer> answers)
    {
        if (SpaceOf(step.Thread) is not { } space)
        {
            answers.Add(Text("ret", "no thread"));
            return;
        }

        string ret = Once(step, space, out string? command);
        bool isFixedUp = ret == "#GP" && step.Privilege == CpuPrivilege.User && _profile.Enqcmd == EnqcmdSupport.LoadedOnFault && space.Pasid is > 0 and < 1 << 20 && space.Threads[step.Thread] == 0;
        if (isFixedUp)
        {
            space.Threads[step.Thread] = space.Pasid | Valid;
            ret = Once(step, space, out command);
        }

        answers.Add(Text("ret", ret));
        answers.Add(new Answer("fixed_up", isFixedUp ? "true" : "false"));
        if (command is not null)
        {
            answers.Add(Text("command", command));
        }
    }

    private string Once(EnqcmdStep step, Space space, out string? command)
    {
        command = null;
        uint head = step.Head;
        uint register = space.Threads[step.Thread];
        if (!_topology.CpuHasEnqcmd)
        {
            return "#UD";
        }

        bool isAllowed = step.IsSupervisors
            ? step.Privilege == CpuPrivilege.Supervisor && (head & 0x7FF00000) == 0
            : register != 0 && head == 0;
        if (!isAllowed || step.Address % 64 != 0 || !IsCanonical(step.Address))
        {
            return "#GP";
        }

        if (!space.Portals.TryGetValue(step.Address / 4096 * 4096, out string? queue))
        {
            return Access(space, step.Address, PageRequestRights.Write) ? "retry" : "#PF";
        }

        uint word = step.IsSupervisors ? head : register & ~Valid;
        command = string.Create(CultureInfo.InvariantCulture, $"pasid={word & 0xFFFFF} priv={word >> 31}");
        return IsShared(queue) && Take(queue) ? "accepted" : "retry";
    }

    private string Move(Movdir64BStep step)
    {
        if (SpaceOf(step.Thread) is not { } space)
        {
            return "no thread";
        }

        if (step.Address % 64 != 0 || !IsCanonical(step.Address))
        {
            if (_profile.Enqcmd == EnqcmdSupport.LoadedOnFault && space.Pasid is > 0 and < 1 << 20 && space.Threads[step.Thread] == 0 && _topology.CpuHasEnqcmd)
            {
                space.Threads[step.Thread] = space.Pasid | Valid;
            }

            return "#GP";
        }

        if (!space.Portals.TryGetValue(step.Address / 4096 * 4096, out string? queue))
        {
            return Access(space, step.Address, PageRequestRights.Write) ? "memory" : "#PF";
        }

        if (IsShared(queue))
        {
            return "not dedicated";
        }

        if (_configured.GetValueOrDefault(queue, uint.MaxValue) == uint.MaxValue)
        {
            return "no PASID";
        }

        return Take(queue) ? string.Create(CultureInfo.InvariantCulture, $"pasid={_configured[queue]}") : "dropped";
    }

    private bool IsShared(string queue) => _topology.WorkQueues.Single(q => q.Name == queue).IsShared;

    private bool Take(string queue)
    {
        int taken = _taken.GetValueOrDefault(queue);
        if (taken == _topology.WorkQueues.Single(q => q.Name == queue).Capacity)
        {
            return false;
        }

        _taken[queue] = taken + 1;
        return true;
    }

    private bool Enqueue(PageRequestFields request)
    {
        Ring ring = _world.Rings[Device(request.Device).Iommu!];
        bool asks = (request.Rights & (PageRequestRights.Read | PageRequestRights.Write)) != 0;
        if (request.Pasid is { } pasid && ((request.IsLast && !asks) || !HasEntry(request.Device, pasid.Value)))
        {
            if (IsDue(request) && !(request.IsLast && !asks))
            {
                Respond(request, 1, request.PrivateData);
            }

            return false;
        }

        if (ring.HasOverflowed || ring.Requests.Count == _topology.QueueCapacity - 1)
        {
            ring.HasOverflowed = true;
            if (IsDue(request))
            {
                Respond(request, 0, request.PrivateData);
            }

            return false;
        }

        ring.Requests.Add(request);
        ring.IsPending = true;
        return true;
    }

    private bool HasEntry(string device, uint pasid) =>
        _world.Ids.TryGetValue(pasid, out Svm? svm) && svm is { IsOver: false } && svm.Space is not { HasExited: true } && svm.Devices.Exists(bound => bound.Device.Name == device);

    private int Run(Ring ring)
    {
        if (ring.IsDead)
        {
            return 0;
        }

        ring.IsPending = false;
        bool isPoisoned = false;
        foreach (PageRequestFields request in ring.Requests)
        {
            if (request.Pasid is not null && isPoisoned)
            {
                ring.IsDead = true;
                return 0;
            }

            isPoisoned |= request.Pasid is { } pasid && !_world.Ids.ContainsKey(pasid.Value) && _profile.Has(KernelQuirks.UnknownPasidEndsThread);
            Answer(request);
        }

        int handled = ring.Requests.Count;
        ring.Head = (ring.Head + handled) % _topology.QueueCapacity;
        ring.Requests.Clear();
        ring.HasOverflowed &= _profile.Has(KernelQuirks.OverflowIsForEver);
        return handled;
    }

    /// <summary>The drain of an unbind whose profile has no quirks of it.</summary>
    private void Drain(TopologyDevice device, uint pasid)
    {
        foreach (Ring ring in _world.Rings.Values)
        {
            while (ring.Requests.Exists(request => request.Pasid?.Value == pasid))
            {
                Run(ring);
            }
        }

        Tell($"drain {device.Iommu} sid={device.SourceId} pasid={pasid}");
        Ring own = _world.Rings[device.Iommu!];
        if (own.HasOverflowed)
        {
            Run(own);
            Tell($"drain {device.Iommu} sid={device.SourceId} pasid={pasid}");
        }
    }

    private void Answer(PageRequestFields request)
    {
        int code = _profile.PageRequests == PageRequestRules.Linux510 ? 1 : 15;
        if (request.Pasid is { } pasid && _world.Ids.TryGetValue(pasid.Value, out Svm? svm) && svm is { IsOver: false })
        {
            code = Handle(svm, request);
            TopologyDevice asking = Device(request.Device);
            Bound? found = svm.Devices.Find(bound => _profile.Has(KernelQuirks.RequesterIdIsIdentity) ? bound.Device.SourceId == asking.SourceId : bound.Device == asking);
            if (found?.Callbacks is { } callbacks)
            {
                bool isNumber = _profile.Has(KernelQuirks.CallbackGetsPageNumber);
                string data = First(isNumber ? request.PrivateData ?? 0 : request.PrivateData);
                _told.Add(string.Create(CultureInfo.InvariantCulture, $"{callbacks} {request.Device} pasid={pasid} address=0x{(isNumber ? request.Address / 4096 : request.Address):X} private={data} rwxp={(int)request.Rights} result={code}"));
            }
        }

        if (IsDue(request))
        {
            bool claims = _profile.Has(KernelQuirks.ResponseClaimsPrivateData) ? request.Pasid is not null : request.PrivateData is not null;
            Respond(request, code, !claims ? null : _profile.Has(KernelQuirks.ResponseLosesPrivateData) ? 0 : request.PrivateData ?? 0);
        }
    }

    private int Handle(Svm svm, PageRequestFields request)
    {
        if (svm.Space is not { HasExited: false } space)
        {
            return 1;
        }

        if (!IsCanonical(request.Address))
        {
            space.LeakedUsers += _profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser) ? 1 : 0;
            return 1;
        }

        return Access(space, request.Address, request.Rights) ? 0 : 1;
    }

    private bool IsCanonical(ulong address)
    {
        ulong upper = address >> (_topology.AddressWidth - 1);
        return upper == 0 || upper == ulong.MaxValue >> (_topology.AddressWidth - 1);
    }

    private bool Access(Space space, ulong address, PageRequestRights rights)
    {
        List<AddressRegion> regions = _regions.GetValueOrDefault(space.Name, []);
        ulong page = address / 4096 * 4096;
        int index = regions.FindIndex(region => region.Last >= page && !regions.Exists(other => other.Last >= page && other.Last < region.Last));
        if (index < 0)
        {
            return false;
        }

        AddressRegion found = regions[index];
        if (page < found.Start)
        {
            bool isNearOther = regions.Exists(other => other.Last < page && !other.GrowsDown && other.Rights != PageRequestRights.None
                && page - other.Last - 1 < 1 << 20 && !regions.Exists(between => between.Last < page && between.Start > other.Last));
            if (!found.GrowsDown || _dumping.Contains(space.Name) || page < 1 << 16 || found.Last - page >= 8 << 20 || isNearOther)
            {
                return false;
            }

            regions[index] = found = found with { Start = page, Length = found.Last - page + 1 };
        }

        PageRequestRights wanted = rights & ~PageRequestRights.Privileged;
        return (wanted & found.Rights) == wanted;
    }

    private static string First(UInt128? data) => data is { } words ? ((ulong)words).ToString(CultureInfo.InvariantCulture) : "none";

    private void Respond(PageRequestFields request, int code, UInt128? data) => _responses.Add(string.Create(
        CultureInfo.InvariantCulture,
        $"{request.Device} pasid={request.Pasid?.ToString() ?? "none"} group={request.Group} code={code} private={First(data)}"));

    private void AddLife(List<Answer> answers)
    {
        answers.Add(new Answer("responses", Canonical.Strings(_responses)));
        answers.Add(new Answer("callbacks", Canonical.Strings(_told)));
        answers.Add(new Answer("queues", "{" + string.Join(',', _world.Rings.Select(ring => string.Create(CultureInfo.InvariantCulture, $"\"{ring.Key}\":[{ring.Value.Head * 32},{(ring.Value.Head + ring.Value.Requests.Count) % _topology.QueueCapacity * 32},{(ring.Value.IsPending ? 1 : 0) + (ring.Value.HasOverflowed ? 2 : 0)}]"))) + "}"));
        answers.Add(new Answer("users", Canonical.NumbersByName(_world.Spaces
            .Where(space => !space.IsDestroyed)
            .Select(space => KeyValuePair.Create(space.Name, (long)((space.HasLeft ? 0 : Math.Max(1, space.Threads.Count)) + space.LeakedUsers))))));
        answers.Add(new Answer("msrs", Canonical.NumbersByName(_threadNames
            .Where(name => SpaceOf(name) is not null)
            .Select(name => KeyValuePair.Create(name, (long)SpaceOf(name)!.Threads[name])))));
    }
}

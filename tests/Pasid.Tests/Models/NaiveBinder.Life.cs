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
            case PageRequestStep s:
                bool isFull = _world.Requests.Count == _topology.QueueCapacity - 1;
                if (!isFull)
                {
                    _world.Requests.Add(s);
                }
                else if (IsDue(s))
                {
                    Respond(s, 0);
                }

                answers.Add(new Answer("ret", isFull ? "false" : "true"));
                break;
            case ProcessStep:
                answers.Add(Number("ret", Process()));
                break;
        }
    }

    private static Answer Text(string key, string value) => new(key, $"\"{value}\"");

    private static bool IsDue(PageRequestStep step) => step.Request.IsLast || step.Request.PrivateData is not null;

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

    private int Process()
    {
        int handled = _world.Requests.Count;
        foreach (PageRequestStep request in _world.Requests)
        {
            Answer(request);
        }

        _world.Requests.Clear();
        return handled;
    }

    private void Answer(PageRequestStep step)
    {
        PageRequestFields request = step.Request;
        int code = 15;
        if (request.Pasid is { } pasid && _world.Ids.TryGetValue(pasid.Value, out Svm? svm) && svm is { IsOver: false })
        {
            code = Handle(svm, request);
            if (svm.Devices.Find(bound => bound.Device.Name == step.Device)?.Callbacks is { } callbacks)
            {
                _told.Add(string.Create(CultureInfo.InvariantCulture, $"{callbacks} {step.Device} pasid={pasid} address=0x{request.Address:X} private={request.PrivateData?.ToString(CultureInfo.InvariantCulture) ?? "none"} rwxp={(int)request.Rights} result={code}"));
            }
        }

        if (IsDue(step))
        {
            Respond(step, code);
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
            if (!found.GrowsDown || page < 1 << 16 || found.Last - page >= 8 << 20 || isNearOther)
            {
                return false;
            }

            regions[index] = found = found with { Start = page, Length = found.Last - page + 1 };
        }

        PageRequestRights wanted = rights & ~PageRequestRights.Privileged;
        return (wanted & found.Rights) == wanted;
    }

    private void Respond(PageRequestStep step, int code) => _responses.Add(string.Create(
        CultureInfo.InvariantCulture,
        $"{step.Device} pasid={step.Request.Pasid?.ToString() ?? "none"} group={step.Request.Group} code={code} private={step.Request.PrivateData?.ToString(CultureInfo.InvariantCulture) ?? "none"}"));

    private void AddLife(List<Answer> answers)
    {
        answers.Add(new Answer("responses", Canonical.Strings(_responses)));
        answers.Add(new Answer("callbacks", Canonical.Strings(_told)));
        answers.Add(new Answer("users", Canonical.NumbersByName(_world.Spaces
            .Where(space => !space.IsDestroyed)
            .Select(space => KeyValuePair.Create(space.Name, (long)((space.HasLeft ? 0 : Math.Max(1, space.Threads.Count)) + space.LeakedUsers))))));
        answers.Add(new Answer("msrs", Canonical.NumbersByName(_threadNames
            .Where(name => SpaceOf(name) is not null)
            .Select(name => KeyValuePair.Create(name, (long)SpaceOf(name)!.Threads[name])))));
    }
}

using System.Buffers.Binary;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <content>Threads, and the commands that they send to devices.</content>
internal sealed partial class BinderReplay
{
    private readonly Dictionary<string, SvmThread> _threads = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WorkQueue> _workQueues = new(StringComparer.Ordinal);

    /// <summary>The address spaces whose process has left; others may still use them.</summary>
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);

    private bool ApplyToThreads(Step step, List<Answer> answers)
    {
        switch (step)
        {
            case ThreadStep s:
                AddressSpace addressSpace = FindAddressSpace(s.AddressSpace);
                bool runs = !addressSpace.HasExited && !_left.Contains(s.AddressSpace);
                _threads.Add(s.Thread, runs ? addressSpace.CreateThread(s.Thread) : NewDeadThread(s.Thread));
                answers.Add(Number("ret", runs ? 0 : (long)PasidStatus.InvalidArgument));
                return true;
            case ThreadExitStep s:
                Exit(_threads[s.Thread]);
                return true;
            case MapPortalStep s:
                answers.Add(Number("ret", TryMap(FindAddressSpace(s.AddressSpace), s) ? 0 : (long)PasidStatus.InvalidArgument));
                return true;
            case UnmapPortalStep s:
                answers.Add(Number("ret", FindAddressSpace(s.AddressSpace).Portals.Unmap(s.Address) ? 0 : (long)PasidStatus.InvalidArgument));
                return true;
            case EnqcmdStep s:
                Execute(s, answers);
                return true;
            case ConfigureStep s:
                if (_workQueues[s.WorkQueue] is DedicatedWorkQueue configured)
                {
                    configured.Pasid = s.Pasid;
                }

                return true;
            case Movdir64BStep s:
                Move(s, answers);
                return true;
            case CompleteStep s:
                _workQueues[s.WorkQueue].Complete();
                return true;
            default:
                return false;
        }
    }

    /// <summary>A thread of a process that is gone, which a scenario may go on to name.</summary>
    private SvmThread NewDeadThread(string name)
    {
        int events = _events.Count;
        AddressSpace gone = Binder.CreateAddressSpace(name);
        SvmThread thread = gone.CreateThread(name);
        gone.Exit();
        _events.RemoveRange(events, _events.Count - events);
        return thread;
    }

    /// <summary>Ends a thread, and with the last one the process.</summary>
    private void Exit(SvmThread thread)
    {
        bool runs = !thread.HasExited;
        thread.Exit();
        if (runs && thread.AddressSpace.GetThreads().Count == 0)
        {
            _left.Add(thread.AddressSpace.Name);
        }
    }

    private AddressSpace Exec(AddressSpace current, ExecStep step)
    {
        _left.Add(current.Name);
        SvmThread? thread = step.Thread is null ? null : _threads[step.Thread];
        if (thread is null || thread.HasExited || !ReferenceEquals(thread.AddressSpace, current))
        {
            return current.Exec(step.Next);
        }

        thread.Exec(step.Next);
        return thread.AddressSpace;
    }

    private bool TryMap(AddressSpace addressSpace, MapPortalStep step)
    {
        if (addressSpace.HasExited || addressSpace.Portals.TryFind(step.Address, out _))
        {
            return false;
        }

        addressSpace.Portals.Map(step.Address, _workQueues[step.WorkQueue]);
        return true;
    }

    private void Execute(EnqcmdStep step, List<Answer> answers)
    {
        SvmThread thread = _threads[step.Thread];
        if (thread.HasExited)
        {
            answers.Add(Text("ret", "no thread"));
            return;
        }

        byte[] source = new byte[EnqcmdCommand.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(source, step.Head);
        EnqcmdResult result = step.IsSupervisors
            ? thread.Enqcmds(step.Address, source, step.Privilege)
            : thread.Enqcmd(step.Address, source, step.Privilege);
        answers.Add(Text("ret", result.Outcome switch
        {
            EnqcmdOutcome.Accepted => "accepted",
            EnqcmdOutcome.Retry => "retry",
            EnqcmdOutcome.InvalidOpcode => "#UD",
            EnqcmdOutcome.GeneralProtection => "#GP",
            _ => "#PF",
        }));
        answers.Add(new Answer("fixed_up", result.WasFixedUp ? "true" : "false"));
        if (result.Outcome <= EnqcmdOutcome.Retry && thread.AddressSpace.Portals.TryFind(step.Address, out IEnqcmdPortal? portal))
        {
            answers.Add(Text("command", ((WorkQueue)portal).Last!));
        }
    }

    private void Move(Movdir64BStep step, List<Answer> answers)
    {
        SvmThread thread = _threads[step.Thread];
        if (thread.HasExited)
        {
            answers.Add(Text("ret", "no thread"));
            return;
        }

        DirectStoreOutcome outcome = thread.Movdir64B(step.Address, new byte[EnqcmdCommand.Length]);
        thread.AddressSpace.Portals.TryFind(step.Address, out IEnqcmdPortal? portal);
        answers.Add(Text("ret", outcome switch
        {
            DirectStoreOutcome.GeneralProtection => "#GP",
            DirectStoreOutcome.PageFault => "#PF",
            DirectStoreOutcome.Written => ((WorkQueue)portal!).Last!,
            _ when portal is null => "memory",
            _ => portal is DedicatedWorkQueue ? "no PASID" : "not dedicated",
        }));
    }

    private static Answer Text(string key, string value) => new(key, $"\"{value}\"");
}

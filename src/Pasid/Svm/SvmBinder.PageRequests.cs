using Pasid.Internal;

namespace Pasid;

/// <content>The page request queues over the binder.</content>
public sealed partial class SvmBinder
{
    /// <summary>The binder whose page requests this thread is answering: what it calls out to must not call the binder, because an
    /// unbind may hold the gate and wait for the answers.</summary>
    [ThreadStatic]
    private static SvmBinder? s_answeringFor;

    /// <summary>How many threads are answering page requests.</summary>
    private int _answering;

    /// <summary>The queues, in the order in which they were attached; <see langword="null"/> until there is one.</summary>
    private List<PageRequestQueue>? _queues;

    /// <summary>What the queues did that are detached.</summary>
    private PageRequestStatistics _detached = new(0, 0, 0, 0, 0);

    /// <summary>What the drain of the operation under way leaves to be done once the gate is left.</summary>
    private AnswerRun? _drained;

    /// <summary>Gets how many bits of an address are used.</summary>
    internal int AddressWidth { get; }

    internal string? HostName { get; }

    internal bool IsDisposed => Volatile.Read(ref _isDisposed);

    internal void Attach(PageRequestQueue queue)
    {
        Enter();
        try
        {
            (_queues ??= []).Add(queue);
        }
        finally
        {
            Exit(nameof(Attach));
        }
    }

    internal void Detach(PageRequestQueue queue)
    {
        EnterGate();
        try
        {
            _detached = _queues?.Remove(queue) == true ? _detached.Plus(queue.GetStatistics()) : _detached;
        }
        finally
        {
            Exit(nameof(Detach));
        }
    }

    internal void BeginAnswering()
    {
        Interlocked.Increment(ref _answering);
        s_answeringFor = this;
    }

    internal void EndAnswering()
    {
        s_answeringFor = null;
        Interlocked.Decrement(ref _answering);
    }

    /// <summary>Enters the gate.</summary>
    private void EnterGate()
    {
        if (_answering != 0 && ReferenceEquals(s_answeringFor, this))
        {
            Throw.CalledFromCallback(What);
        }

        _gate.EnterAsOwner(What);
    }

    /// <summary>Answers what is in the queues before a device lets go of a PASID.</summary>
    private void DrainPageRequests(List<PageRequestQueue> queues, SvmDevice device, Ioasid pasid)
    {
        if (queues.Count == 0 || Profile.Has(KernelQuirks.UnbindSkipsDrain))
        {
            return;
        }

        var run = new AnswerRun();
        _drained = run;
        foreach (PageRequestQueue queue in queues)
        {
            queue.Drain(run);
        }

        if (run.Failure is { } failure)
        {
            Defer(failure.SourceException);
        }

        Observe(SvmEventKind.PageRequestsDrained, pasid, device);
    }

    /// <summary>Lets those address spaces exit that a drain was the last to use; the gate is held.</summary>
    private void LeaveDrained(AnswerRun run)
    {
        foreach (AddressSpace addressSpace in run.Leaving)
        {
            if (Interlocked.Decrement(ref addressSpace.UsersWord) == 0)
            {
                ExitUnsynchronized(addressSpace);
            }
        }

        run.Leaving.Clear();
    }
}

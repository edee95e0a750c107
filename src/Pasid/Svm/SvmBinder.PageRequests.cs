using Pasid.Internal;

namespace Pasid;

/// <content>
/// The page request queues over the binder. Their turns come before the gate: who answers may enter it, and who is inside never waits
/// for an answer, so that no handler keeps others from the binder.
/// </content>
public sealed partial class SvmBinder
{
    /// <summary>The queues, in the order in which they were attached; another array each time they change.</summary>
    private PageRequestQueue[] _queues = [];

    /// <summary>How long an unbind that would drain lets captures and restores go first, in milliseconds.</summary>
    private const int Courtesy = 1_000;

    /// <summary>How many unbinds have left the gate to drain.</summary>
    private int _drains;

    /// <summary>How many captures and restores wait until nobody answers and drains; not guarded.</summary>
    private int _standstills;

    /// <summary>Tells of each drain, capture and restore that is over; none before there is a queue.</summary>
    private Signal? _pauses;

    /// <summary>What the queues did that are detached.</summary>
    private PageRequestStatistics _detached = new(0, 0, 0, 0, 0);

    /// <summary>Gets how many bits of an address are used.</summary>
    internal int AddressWidth { get; }

    internal string? HostName { get; }

    internal void Attach(PageRequestQueue queue)
    {
        Enter();
        try
        {
            _pauses ??= new Signal();
            Volatile.Write(ref _queues, [.. _queues, queue]);
        }
        finally
        {
            Exit(nameof(Attach));
        }
    }

    /// <summary>Takes a queue away that stands still.</summary>
    internal void Detach(PageRequestQueue queue)
    {
        EnterGate();
        try
        {
            _detached = Array.IndexOf(_queues, queue) >= 0 ? _detached.Plus(queue.GetStatistics()) : _detached;
            Volatile.Write(ref _queues, Array.FindAll(_queues, other => !ReferenceEquals(other, queue)));
        }
        finally
        {
            Exit(nameof(Detach));
        }
    }

    /// <summary>Finds a queue whose requests this thread is answering.</summary>
    internal PageRequestQueue? FindAnswered()
    {
        foreach (PageRequestQueue queue in Volatile.Read(ref _queues))
        {
            if (queue.IsAnsweredByCurrentThread)
            {
                return queue;
            }
        }

        return null;
    }

    /// <summary>Refuses a call from inside a callback of the binder.</summary>
    internal void ThrowIfInsideGate()
    {
        if (_gate.IsHeldByCurrentThread)
        {
            Throw.CalledFromCallback(What);
        }
    }

    /// <summary>Refuses a call from inside a callback of the binder or of one of its queues.</summary>
    internal void ThrowIfInside()
    {
        ThrowIfInsideGate();
        if (FindAnswered() is not null && !Planted.Is(PlantedFault.HandlersMayCallTheBinder))
        {
            Throw.CalledFromCallback(What);
        }
    }

    /// <summary>Enters the gate.</summary>
    private void EnterGate()
    {
        if (_pauses is not null)
        {
            ThrowIfInside();
        }

        _gate.EnterAsOwner(What);
    }

    /// <summary>Enters the gate while all queues stand still and no unbind drains, in the one order in which all of them are entered;
    /// <see cref="LeaveStill"/> leaves it and lets them go.</summary>
    /// <returns>The queues.</returns>
    private PageRequestQueue[] EnterStill()
    {
        ThrowIfInside();
        Interlocked.Increment(ref _standstills);
        try
        {
            while (true)
            {
                PageRequestQueue[] queues = Volatile.Read(ref _queues);
                if (!Planted.Is(PlantedFault.QueuesGoOn))
                {
                    Array.ForEach(queues, static queue => queue.HoldStill());
                }

                _gate.EnterAsOwner(What);
                if (_drains == 0 && ReferenceEquals(queues, _queues))
                {
                    return queues;
                }

                long seen = _pauses!.Now;
                bool isDraining = _drains != 0;
                _gate.Leave();
                LetQueuesGo(queues);
                if (isDraining)
                {
                    _pauses.Wait(seen);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _standstills);
        }
    }

    private void LeaveStill(PageRequestQueue[] queues, string operation)
    {
        try
        {
            Exit(operation);
        }
        finally
        {
            _pauses?.Raise();
            LetQueuesGo(queues);
        }
    }

    /// <summary>Lets the answering go on, and processes what somebody could not wait for.</summary>
    private static void LetQueuesGo(PageRequestQueue[] queues)
    {
        if (Planted.Is(PlantedFault.QueuesGoOn))
        {
            return;
        }

        AnswerRun? owed = null;
        foreach (PageRequestQueue queue in queues)
        {
            if (queue.LetGo())
            {
                (owed ??= new AnswerRun()).Owe(queue);
            }
        }

        owed?.Finish();
    }

    /// <summary>Tells whether an unbind has to wait before it begins: for another one of the device that drains, or for a capture or
    /// restore that waits until nobody drains, and would wait for ever if others began to. The gate is held.</summary>
    private bool HasToWait(SvmDeviceRecord deviceRecord) =>
        deviceRecord.IsDraining
        || (Volatile.Read(ref _standstills) != 0 && deviceRecord.Users == 1 && !Profile.Has(KernelQuirks.UnbindSkipsDrain) && !Array.TrueForAll(_queues, static queue => queue.IsEmpty));

    /// <summary>
    /// Has what is in the queues answered before a device lets go of a PASID. If something is, the gate is left meanwhile: the device
    /// stays bound, and who wants to bind or unbind it waits in <see cref="WaitForPause"/>.
    /// </summary>
    /// <returns><see langword="false"/> if the binder was disposed meanwhile, which has unbound the device.</returns>
    private bool DrainPageRequests(SvmRecord record, SvmDeviceRecord deviceRecord)
    {
        if (Profile.Has(KernelQuirks.UnbindSkipsDrain))
        {
            return true;
        }

        record.HideCallbacks(deviceRecord);
        if (!Array.TrueForAll(_queues, static queue => queue.IsEmpty))
        {
            DrainOutside(_queues, record, deviceRecord);
        }

        if (!_isDisposed)
        {
            Observe(SvmEventKind.PageRequestsDrained, record.Pasid, deviceRecord.Device);
        }

        return !_isDisposed;
    }

    private void DrainOutside(PageRequestQueue[] queues, SvmRecord record, SvmDeviceRecord deviceRecord)
    {
        PageRequestQueue.DrainGoal[] goals = Array.ConvertAll(queues, queue => queue.FindDrainGoal(record.Pasid));
        var run = new AnswerRun();
        deviceRecord.IsDraining = true;
        _drains++;
        OperationState operation = _operation;
        _operation = default;
        _gate.Leave();

        // Nothing of this throws: the unbind has begun.
        for (int i = 0; i < queues.Length; i++)
        {
            queues[i].Drain(in goals[i], run);
        }

        _gate.EnterAsOwner(What);
        _operation = operation;
        _operation.Drained = run;
        _drains--;
        deviceRecord.IsDraining = false;
        _pauses!.Raise();
        if (Planted.Is(PlantedFault.AnswersEndHalfWay))
        {
            run.Failure?.Throw();
        }
    }

    /// <summary>Leaves the gate until a drain, capture or restore is over; then the caller looks again.</summary>
    /// <param name="milliseconds">At most how long. Who lets a capture go first must not wait without end: a handler that the capture waits for
    /// may be waiting for this very thread.</param>
    private void WaitForPause(int milliseconds = Timeout.Infinite)
    {
        long seen = _pauses!.Now;
        _gate.Leave();
        _pauses.Wait(seen, milliseconds);
        _gate.EnterAsOwner(What);
    }
}

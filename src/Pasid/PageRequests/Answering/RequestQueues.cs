namespace Pasid.Internal;

/// <summary>
/// The page request queues over a host. Their turns come before its gate: who answers may enter it, and who is inside never waits
/// for an answer, so that no handler keeps others from the host.
/// </summary>
internal sealed class RequestQueues(HostGate gate, IRequestTargets targets, KernelProfile profile, int addressWidth)
{
    /// <summary>How long an unbind that would drain lets captures and restores go first, in milliseconds.</summary>
    private const int Courtesy = 1_000;

    /// <summary>The queues, in the order in which they were attached; another array each time they change.</summary>
    private RequestRing[] _rings = [];

    /// <summary>How many unbinds have left the gate to drain.</summary>
    private int _drains;

    /// <summary>Tells of each drain, capture and restore that is over; none before there is a queue.</summary>
    private Signal? _pauses;

    /// <summary>What the queues did that are detached.</summary>
    private PageRequestStatistics _detached = new(0, 0, 0, 0, 0);

    public HostGate Gate { get; } = gate;

    public IRequestTargets Targets { get; } = targets;

    public KernelProfile Profile { get; } = profile;

    public int AddressWidth { get; } = addressWidth;

    /// <summary>Gets a value indicating whether the unbind of a device has something to drain.</summary>
    public bool NeedsDrain => _rings.Length != 0 && !Profile.Has(KernelQuirks.UnbindSkipsDrain);

    public void Attach(RequestRing ring)
    {
        using Operation operation = Gate.Enter();
        _pauses ??= new Signal();
        Volatile.Write(ref _rings, [.. _rings, ring]);
        Gate.IsAnswering ??= () => FindAnswered() is not null;
    }

    /// <summary>Takes a queue away that stands still.</summary>
    public void Detach(RequestRing ring)
    {
        using Operation operation = Gate.EnterAnyhow();
        _detached = Array.IndexOf(_rings, ring) >= 0 ? _detached.Plus(ring.GetStatistics()) : _detached;
        Volatile.Write(ref _rings, Array.FindAll(_rings, other => !ReferenceEquals(other, ring)));
    }

    /// <summary>Finds a queue whose requests this thread is answering.</summary>
    public RequestRing? FindAnswered()
    {
        foreach (RequestRing ring in Volatile.Read(ref _rings))
        {
            if (ring.IsAnsweredByCurrentThread)
            {
                return ring;
            }
        }

        return null;
    }

    /// <summary>Sums up what the queues did, those that are detached included; inside the gate.</summary>
    public PageRequestStatistics GetStatistics()
    {
        Gate.AssertInside();
        return _rings.Aggregate(_detached, static (sum, ring) => sum.Plus(ring.GetStatistics()));
    }

    /// <summary>Enters the gate while all queues stand still and no unbind drains, in the one order in which all of them are entered.</summary>
    public Standstill EnterStill(string name)
    {
        Gate.ThrowIfInside();
        Interlocked.Increment(ref Gate.Standstills);
        try
        {
            while (true)
            {
                RequestRing[] rings = Volatile.Read(ref _rings);
                if (!Planted.Is(PlantedFault.QueuesGoOn))
                {
                    Array.ForEach(rings, static ring => ring.HoldStill());
                }

                Operation operation = Gate.EnterWithTurn(outer: null, name);
                if (_drains == 0 && ReferenceEquals(rings, _rings))
                {
                    return new Standstill(this, operation, rings);
                }

                long seen = _pauses!.Now;
                bool isDraining = _drains != 0;
                operation.Dispose();
                LetGo(rings);
                if (isDraining)
                {
                    _pauses.Wait(seen);
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref Gate.Standstills);
        }
    }

    /// <summary>Lets the answering go on after a standstill whose gate is left.</summary>
    public void EndStandstill(RequestRing[] rings)
    {
        _pauses?.Raise();
        LetGo(rings);
    }

    /// <summary>Waits, outside the gate, until an unbind need not wait before it begins: for another one of the device that drains, or, for
    /// a while, for a capture or restore that waits until nobody drains, and would wait for ever if others began to. Not without
    /// end: a handler that the capture waits for may be waiting for this very thread.</summary>
    /// <param name="operation">The unbind.</param>
    /// <param name="isDraining">Whether another one of the device drains.</param>
    /// <param name="isLast">Whether this one would drain.</param>
    /// <param name="deadline">When its patience is over; 0 at first.</param>
    /// <returns><see langword="false"/> if nothing was waited for; after a wait the caller looks again.</returns>
    public bool TryWaitForTurn(in Operation operation, bool isDraining, bool isLast, ref long deadline)
    {
        deadline = deadline == 0 && !isDraining ? Environment.TickCount64 + Courtesy : deadline;
        if (!isDraining && (!Gate.HasStandstill || !isLast || !NeedsDrain || AreEmpty(_rings) || Environment.TickCount64 >= deadline))
        {
            return false;
        }

        WaitForPause(in operation, isDraining ? Timeout.Infinite : Courtesy);
        return true;
    }

    /// <summary>Has what is in the queues answered before a device lets go of a PASID. If something is, the gate is left meanwhile, and
    /// <paramref name="isDraining"/> set, for others who want the device: they call <see cref="WaitForPause"/>.</summary>
    public void Drain(in Operation operation, Ioasid pasid, ref bool isDraining)
    {
        RequestRing[] rings = _rings;
        if (AreEmpty(rings))
        {
            return;
        }

        (long Own, long All)[] goals = Array.ConvertAll(rings, ring => ring.FindDrainGoal(pasid));
        Aftermath aftermath = operation.Aftermath;
        isDraining = true;
        _drains++;
        OperationState state = operation.LeaveMeanwhile();

        // Nothing of this throws: the unbind has begun.
        for (int i = 0; i < rings.Length; i++)
        {
            rings[i].Drain(goals[i], aftermath);
        }

        operation.ComeBack(in state);
        _drains--;
        isDraining = false;
        _pauses!.Raise();
        if (Planted.Is(PlantedFault.AnswersEndHalfWay))
        {
            aftermath.Failure?.Throw();
        }
    }

    /// <summary>Leaves the gate until a drain, capture or restore is over; then the caller looks again.</summary>
    public void WaitForPause(in Operation operation, int milliseconds)
    {
        long seen = _pauses!.Now;
        OperationState state = operation.LeaveMeanwhile();
        _pauses.Wait(seen, milliseconds);
        operation.ComeBack(in state);
    }

    private static bool AreEmpty(RequestRing[] rings) => Array.TrueForAll(rings, static ring => ring.IsEmpty);

    /// <summary>Lets the answering go on, and processes what somebody could not wait for.</summary>
    private static void LetGo(RequestRing[] rings)
    {
        if (Planted.Is(PlantedFault.QueuesGoOn))
        {
            return;
        }

        Aftermath? aftermath = null;
        foreach (RequestRing ring in rings)
        {
            if (ring.LetGo())
            {
                (aftermath ??= new Aftermath()).Owe(ring.ProcessOwed);
            }
        }

        aftermath?.Finish();
    }
}

/// <summary>An operation during which nothing is answered and no unbind drains; see <see cref="RequestQueues.EnterStill"/>.</summary>
internal readonly ref struct Standstill(RequestQueues queues, Operation operation, RequestRing[] rings)
{
    public Operation Operation { get; } = operation;

    /// <summary>Gets the queues, in the order in which they were attached.</summary>
    public RequestRing[] Rings { get; } = rings;

    public void Dispose()
    {
        try
        {
            Operation.Dispose();
        }
        finally
        {
            queues.EndStandstill(Rings);
        }
    }
}

/// <summary>What a PASID leads a page request to, found and read without the gate of the host.</summary>
internal interface IRequestTarget
{
    /// <summary>Gets whose page it is; <see langword="null"/> for the supervisor's own.</summary>
    AddressSpace? AddressSpace { get; }

    /// <summary>Finds the callbacks that a device was bound with.</summary>
    ISvmDeviceCallbacks? FindCallbacks(SvmDevice device);
}

/// <summary>Finds what page requests are for: the bindings of the host.</summary>
internal interface IRequestTargets
{
    /// <summary>Finds what a PASID is bound to, without the gate of the host.</summary>
    /// <returns><see langword="null"/> if it is bound to nothing.</returns>
    IRequestTarget? Find(Ioasid pasid);
}

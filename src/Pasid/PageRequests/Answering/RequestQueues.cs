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

    /// <summary>How many entries unbinds have torn down.</summary>
    private long _tearDowns;

    /// <summary>Tells of each drain, capture and restore that is over; none before there is a queue.</summary>
    private Signal? _pauses;

    /// <summary>What the queues did that are detached.</summary>
    private PageRequestStatistics _detached = new(0, 0, 0, 0, 0);

    public HostGate Gate { get; } = gate;

    public IRequestTargets Targets { get; } = targets;

    public KernelProfile Profile { get; } = profile;

    public int AddressWidth { get; } = addressWidth;

    /// <summary>Gets how many entries unbinds have torn down; read without the gate.</summary>
    public long TearDowns => Volatile.Read(ref _tearDowns);

    /// <summary>Gets a value indicating whether unbinds drain.</summary>
    public bool NeedsDrain => _rings.Length != 0 && !Profile.Has(KernelQuirks.UnbindSkipsDrain);

    public void Attach(RequestRing ring)
    {
        using Operation operation = Gate.Enter();
        if (Array.Exists(_rings, other => ReferenceEquals(other.Iommu, ring.Iommu)))
        {
            throw new InvalidOperationException($"The IOMMU '{ring.Iommu.Name}' has a page request queue already: dispose that one first.");
        }

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

    /// <summary>Says that an entry is not present any more; inside the gate, before the drain, or before the rings are left that a restore
    /// has filled.</summary>
    public void CountTearDown() => Volatile.Write(ref _tearDowns, _tearDowns + 1);

    /// <summary>Has requests of a PASID answered before a device lets go of it. If there are any, the gate is left meanwhile.</summary>
    /// <param name="operation">The unbind.</param>
    /// <param name="device">The device, whose entry is torn down.</param>
    /// <param name="pasid">The PASID.</param>
    /// <param name="isLast">Whether no other device has it.</param>
    public void Drain(in Operation operation, SvmDevice device, Ioasid pasid, bool isLast)
    {
        RequestRing[] rings = _rings;
        if (Array.TrueForAll(rings, static ring => ring.IsIdle()))
        {
            return;
        }

        Aftermath aftermath = operation.Aftermath;
        OperationState state = BeginDrain(in operation);

        // Nothing of this throws: the unbind has begun. All queues are drained, because a request of the PASID in any would be answered
        // for its next owner.
        bool skipsOthers = Profile.Has(KernelQuirks.DrainSkipsOtherQueues);
        foreach (RequestRing ring in rings)
        {
            if (!skipsOthers || ReferenceEquals(ring.Iommu, device.Iommu))
            {
                ring.Drain(pasid, isLast, aftermath);
            }
        }

        EndDrain(in operation, in state);
        if (Planted.Is(PlantedFault.AnswersEndHalfWay))
        {
            aftermath.Failure?.Throw();
        }
    }

    /// <summary>Has the queue of a device's IOMMU answered if it has overflowed, after the flush that follows a drain: what the device had
    /// under way may have been lost.</summary>
    /// <returns><see langword="true"/> if the flush has to be done again.</returns>
    public bool TryClearOverflow(in Operation operation, SvmDevice device)
    {
        RequestRing? own = null;
        foreach (RequestRing ring in _rings)
        {
            own = ReferenceEquals(ring.Iommu, device.Iommu) ? ring : own;
        }

        if (own is null || own.IsIdle())
        {
            return false;
        }

        Aftermath aftermath = operation.Aftermath;
        OperationState state = BeginDrain(in operation);
        bool isCleared = own.TryClearOverflow(aftermath);
        EndDrain(in operation, in state);
        return isCleared;
    }

    /// <summary>Leaves the gate until a drain, capture or restore is over; then the caller looks again.</summary>
    public void WaitForPause(in Operation operation, int milliseconds)
    {
        long seen = _pauses!.Now;
        OperationState state = operation.LeaveMeanwhile();
        _pauses.Wait(seen, milliseconds);
        operation.ComeBack(in state);
    }

    private OperationState BeginDrain(in Operation operation)
    {
        _drains++;
        return operation.LeaveMeanwhile();
    }

    private void EndDrain(in Operation operation, in OperationState state)
    {
        operation.ComeBack(in state);
        _drains--;
        _pauses!.Raise();
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

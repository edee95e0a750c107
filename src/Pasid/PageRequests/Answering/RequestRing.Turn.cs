namespace Pasid.Internal;

/// <content>
/// Whose turn it is: one thread answers, or one has the answering stand still. The ring's gate guards the turn. A thread takes it before
/// the binder's gate and never while it is inside, so that who answers may enter the gate to let an address space exit.
/// </content>
internal sealed partial class RequestRing
{
    /// <summary>How long <see cref="Process"/> waits while not one request is finished, in milliseconds, before it leaves its requests
    /// to who is answering: two handlers that process each other's queues would otherwise wait for each other for ever.</summary>
    private const int Patience = 1_000;

    /// <summary>Tells of each request that is finished, and of each turn that ends.</summary>
    private readonly Signal _progress = new();

    /// <summary>The managed id of the thread whose turn it is; 0 for none.</summary>
    private int _turn;

    /// <summary>Whether the one whose turn it is has the answering stand still.</summary>
    private bool _isStill;

    /// <summary>How many threads wait to have the answering stand still: they come first.</summary>
    private int _stillWaiting;

    /// <summary>Whether one of them is to dispose the queue: no further request is answered.</summary>
    private volatile bool _isClosing;

    /// <summary>How many requests were answered, also those that a restore took out: the place of the next in the order of all.</summary>
    private long _handled;

    /// <summary>How many requests are answered whose slots the run under way still occupies.</summary>
    private int _answered;

    /// <summary>Whether the one whose turn ends has to process the queue again, for somebody who could not wait for that.</summary>
    private bool _isOwed;

    /// <summary>Gets a value indicating whether this thread is answering requests of this queue. No other thread can write this one's
    /// id, so a plain read is enough.</summary>
    public bool IsAnsweredByCurrentThread => _turn == Environment.CurrentManagedThreadId && !_isStill;

    /// <summary>Has the answering stand still, once the run under way is over; nothing is answered until <see cref="LetGo"/>.</summary>
    /// <param name="isForGood">Whether the run under way is to end with the request that is being answered.</param>
    public void HoldStill(bool isForGood = false)
    {
        if (isForGood)
        {
            _isClosing = true;
        }

        bool isWaiting = false;
        while (true)
        {
            long seen = _progress.Now;
            _ringGate.Enter();
            bool isFree = _turn == 0;
            if (isFree)
            {
                _turn = Environment.CurrentManagedThreadId;
                _isStill = true;
            }

            _stillWaiting += (isFree ? 0 : 1) - (isWaiting ? 1 : 0);
            _ringGate.Leave();
            if (isFree)
            {
                return;
            }

            isWaiting = true;
            _progress.Wait(seen);
        }
    }

    /// <summary>Has the answering go on.</summary>
    /// <returns><see langword="true"/> if the caller owes it to somebody to process the queue, once it has left all gates.</returns>
    public bool LetGo()
    {
        _ringGate.Enter();
        bool isOwed = _isOwed && !_isDisposed;
        _isOwed = false;
        _turn = 0;
        _isStill = false;
        _ringGate.Leave();
        _progress.Raise();
        return isOwed;
    }

    /// <summary>
    /// Has requests answered that have a PASID; what another thread answers, it waits for, as far as it has to. No gate is held.
    /// </summary>
    /// <param name="pasid">The PASID.</param>
    /// <param name="isLast">Whether no other device has the PASID: then none of its requests may be left. Where the hardware refuses the
    /// device, those that were there when the drain began are all; and another one that joins must not keep the drain from its end.</param>
    /// <param name="aftermath">Of the unbind.</param>
    public void Drain(Ioasid pasid, bool isLast, Aftermath aftermath)
    {
        long goal = -1;
        while (true)
        {
            long seen = _progress.Now;
            _ringGate.Enter();
            goal = goal < 0 || (isLast && !_hardwareAnswers) ? FindDrainGoal(pasid) : goal;
            bool isOver = _handled >= goal || _isDead || _isDisposed;
            bool isTaken = _turn != 0 || _stillWaiting != 0;
            if (!isOver && !isTaken)
            {
                _turn = Environment.CurrentManagedThreadId;
            }

            _ringGate.Leave();
            TellEnds(_registers.Tail, aftermath);
            if (isOver)
            {
                return;
            }

            _answerer.Tell(aftermath, PageRequestEventKind.DrainWaited);
            if (isTaken)
            {
                _progress.Wait(seen);
            }
            else
            {
                Run(aftermath);
            }
        }
    }

    /// <summary>Runs the thread once more if the queue has overflowed, as an unbind does that has flushed what it drained.</summary>
    /// <returns><see langword="true"/> if the unbind has to flush again.</returns>
    public bool TryClearOverflow(Aftermath aftermath)
    {
        TellStatus(aftermath);
        if (!_registers.HasOverflowed || _isDead || _isDisposed)
        {
            return false;
        }

        _answerer.Tell(aftermath, PageRequestEventKind.DrainWaited);
        _ringGate.Enter();
        bool isTaken = _turn != 0 || _stillWaiting != 0;
        _turn = isTaken ? _turn : Environment.CurrentManagedThreadId;
        _ringGate.Leave();
        if (!isTaken)
        {
            Run(aftermath);
        }

        // The kernel would wait for ever for a queue that nobody clears.
        return !_registers.HasOverflowed;
    }

    /// <summary>Finds the place behind the last request that has a PASID and no answer; the ring is entered.</summary>
    private long FindDrainGoal(Ioasid pasid)
    {
        for (int i = Count; i > 0; i--)
        {
            if (_registers[_answered + i - 1].Pasid == pasid)
            {
                return _handled + i;
            }
        }

        return _handled;
    }

    /// <summary>Takes the turn for one run.</summary>
    /// <param name="outer">The queue whose requests this thread is answering; then it waits for nobody.</param>
    /// <returns><see langword="false"/> if another thread has answered what was there, or has to process the queue again when its turn
    /// ends.</returns>
    private bool TryTakeTurn(RequestRing? outer)
    {
        long end = -1;
        long lastHandled = -1;
        long deadline = long.MaxValue;
        while (true)
        {
            long seen = _progress.Now;
            _ringGate.Enter();
            int turn = _turn;
            bool isDisposed = _isDisposed;
            bool isDead = _isDead;
            bool isMine = turn == Environment.CurrentManagedThreadId;
            bool isTaken = turn == 0 && !isDisposed && !isDead && (_stillWaiting == 0 || outer is not null);
            long handled = _handled;
            end = end < 0 ? handled + Count : end;
            bool isLeft = !isTaken && !isMine && !isDisposed && !isDead && handled < end
                && (outer is not null || Environment.TickCount64 >= deadline);
            _isOwed |= isLeft;
            if (isTaken)
            {
                _turn = Environment.CurrentManagedThreadId;
            }

            _ringGate.Leave();
            if (isMine)
            {
                Throw.CalledFromCallback(What);
            }

            if (isDisposed)
            {
                Throw.Disposed(Owner);
            }

            if (isTaken || isLeft || isDead || handled >= end)
            {
                return isTaken;
            }

            if (handled != lastHandled)
            {
                lastHandled = handled;
                deadline = Environment.TickCount64 + Patience;
            }

            _progress.Wait(seen, Patience);
        }
    }

    /// <summary>Runs the thread: answers what is there, with both registers read once, and gives the turn up.</summary>
    /// <returns>How many requests left the queue.</returns>
    private int Run(Aftermath aftermath)
    {
        _ringGate.Enter();
        _registers.ClearPending();
        int tail = _registers.Tail;
        int count = _registers.Count;
        _ringGate.Leave();
        _answerer.BeginRun();
        _answerer.Tell(aftermath, PageRequestEventKind.RegisterWritten, PageRequestRegister.Status, RequestRegisters.StatusPending);
        TellEnds(tail, aftermath);
        int handled = 0;
        bool isAlive = true;
        while (isAlive && handled < count && !_isClosing)
        {
            // Its slot stays occupied until the run is over.
            isAlive = _answerer.TryAnswer(in _registers[handled], aftermath);
            if (isAlive)
            {
                handled++;
                Advance(handled);
            }
        }

        if (isAlive)
        {
            EndRun(handled, aftermath);
        }

        GiveUpTurn(isAlive, aftermath);
        return isAlive ? handled : 0;
    }

    private void Advance(int answered)
    {
        _ringGate.Enter();
        _answered = answered;
        _handled++;
        _requests++;
        _ringGate.Leave();
        _progress.Raise();
    }

    /// <summary>Writes the head, and deals with an overflow as the profile's kernel does.</summary>
    private void EndRun(int handled, Aftermath aftermath)
    {
        _ringGate.Enter();
        _registers.MoveHead(handled);
        _answered = 0;
        _ringGate.Leave();
        _answerer.Tell(aftermath, PageRequestEventKind.RegisterWritten, PageRequestRegister.Head, RequestRegisters.Bytes(_registers.Head));
        if (!queues.Profile.Has(KernelQuirks.OverflowIsForEver))
        {
            ClearOverflow(aftermath);
        }
    }

    private void ClearOverflow(Aftermath aftermath)
    {
        TellStatus(aftermath);
        if (!_registers.HasOverflowed)
        {
            return;
        }

        bool isForEmptyAlone = queues.Profile.PageRequests != PageRequestRules.Linux58;
        _ringGate.Enter();
        int tail = _registers.Tail;
        bool isCleared = _registers.TryClearOverflow(isForEmptyAlone);
        _ringGate.Leave();
        if (isForEmptyAlone)
        {
            Tell(PageRequestRegister.Head, RequestRegisters.Bytes(_registers.Head), aftermath);
            Tell(PageRequestRegister.Tail, RequestRegisters.Bytes(tail), aftermath);
        }

        if (isCleared)
        {
            _answerer.Tell(aftermath, PageRequestEventKind.RegisterWritten, PageRequestRegister.Status, RequestRegisters.StatusOverflow);
        }
    }

    /// <summary>Ends the turn of the caller, who has to process the queue again if somebody could not wait.</summary>
    private void GiveUpTurn(bool isAlive, Aftermath aftermath)
    {
        _ringGate.Enter();
        bool isOwed = _isOwed && isAlive;
        _isOwed = false;
        _isDead |= !isAlive;
        _answered = 0;
        _turn = 0;
        _ringGate.Leave();
        _progress.Raise();
        if (isOwed)
        {
            aftermath.Owe(ProcessOwed);
        }

        if (!isAlive && logger is not null)
        {
            aftermath.Note(() => logger.PageRequestThreadDied(iommu.Name));
        }
    }

    private void TellEnds(int tail, Aftermath aftermath)
    {
        Tell(PageRequestRegister.Tail, RequestRegisters.Bytes(tail), aftermath);
        Tell(PageRequestRegister.Head, RequestRegisters.Bytes(_registers.Head), aftermath);
    }

    private void TellStatus(Aftermath aftermath) => Tell(PageRequestRegister.Status, (ulong)_registers.Status, aftermath);

    private void Tell(PageRequestRegister register, ulong value, Aftermath aftermath) =>
        _answerer.Tell(aftermath, PageRequestEventKind.RegisterRead, register, value);
}

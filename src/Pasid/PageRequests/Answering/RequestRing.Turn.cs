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

    /// <summary>What the answer under way leaves to be done; written by who answers.</summary>
    private Aftermath? _aftermath;

    /// <summary>Tells of each request that is finished, and of each turn that ends.</summary>
    private readonly Signal _progress = new();

    /// <summary>The managed id of the thread whose turn it is; 0 for none.</summary>
    private int _turn;

    /// <summary>Whether the one whose turn it is has the answering stand still.</summary>
    private bool _isStill;

    /// <summary>How many threads wait to have the answering stand still: they come first.</summary>
    private int _stillWaiting;

    /// <summary>How many requests are behind the head, also those that a restore took out: the place of the next in the order of all.</summary>
    private long _handled;

    /// <summary>Up to where the one who answers has to go.</summary>
    private long _goal;

    /// <summary>Whether the one who answers goes on until nothing is left.</summary>
    private bool _isEndless;

    /// <summary>Whether others have given requests to the one who drains, who takes them once: who goes on asking must not keep it
    /// from its end.</summary>
    private bool _isRaised;

    /// <summary>Whether the one who lets the answering go on has to process the queue, for somebody who could not wait for that.</summary>
    private bool _isOwed;

    /// <summary>Gets a value indicating whether this thread is answering requests of this queue. No other thread can write this one's
    /// id, so a plain read is enough.</summary>
    public bool IsAnsweredByCurrentThread => _turn == Environment.CurrentManagedThreadId && !_isStill;

    /// <summary>Has the answering stand still, once the request under way is answered; nothing is answered until <see cref="LetGo"/>.</summary>
    public void HoldStill()
    {
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

    /// <summary>Finds out for what a drain has to wait, as of now and as places in the order of all requests: behind the last one that
    /// has the PASID, and behind the last.</summary>
    public (long Own, long All) FindDrainGoal(Ioasid pasid)
    {
        _ringGate.Enter();
        int count = Count;
        long last = _handled;
        for (int i = count; i > 0 && last == _handled; i--)
        {
            last += _ring[(_head + i - 1) & (_ring.Length - 1)].Pasid == pasid ? i : 0;
        }

        (long, long) goal = (last, _handled + count);
        _ringGate.Leave();
        return goal;
    }

    /// <summary>
    /// Answers what was there when a drain began and is there still; what another thread answers, it waits for, as far as it has to.
    /// No gate is held.
    /// </summary>
    public void Drain((long Own, long All) goal, Aftermath aftermath)
    {
        while (true)
        {
            long seen = _progress.Now;
            _ringGate.Enter();
            bool isTaken = _turn != 0 || _stillWaiting != 0;
            bool isDisposed = _isDisposed;
            long handled = _handled;
            if (!isTaken && !isDisposed && handled < goal.All)
            {
                _turn = Environment.CurrentManagedThreadId;
                _goal = goal.All;
                _isEndless = false;
                _isRaised = false;
            }

            _ringGate.Leave();
            if (handled >= (isTaken ? goal.Own : goal.All) || isDisposed)
            {
                return;
            }

            if (isTaken)
            {
                _progress.Wait(seen);
            }
            else
            {
                AnswerInTurn(isNested: false, aftermath, out _);
            }
        }
    }

    /// <summary>Takes the turn to answer what is there: all, or from inside a handler of another queue of the binder what is there now.</summary>
    /// <param name="outer">The queue whose requests this thread is answering; then it waits for nobody.</param>
    /// <param name="isAgain">Whether the thread had the turn before, and gave it up for a capture or restore.</param>
    /// <returns><see langword="false"/> if another thread has answered what was there, or goes on to.</returns>
    private bool TryTakeTurn(RequestRing? outer, bool isAgain)
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
            bool isStill = _isStill || (turn == 0 && _stillWaiting != 0 && outer is null);
            bool isMine = turn == Environment.CurrentManagedThreadId;
            bool isTaken = turn == 0 && !isStill && !isDisposed;
            long handled = _handled;
            end = end < 0 ? handled + Count : end;
            bool isLeft = !isTaken && !isMine && !isDisposed && outer is null && Environment.TickCount64 >= deadline && TryLeave(end, isStill);
            bool isForOuter = !isTaken && outer is not null && (isStill || !_isEndless);
            if (isTaken)
            {
                _turn = Environment.CurrentManagedThreadId;
                _goal = end;
                _isEndless = outer is null;
            }

            _ringGate.Leave();
            if (isMine)
            {
                Throw.CalledFromCallback(What);
            }

            if (isDisposed && !isAgain)
            {
                Throw.Disposed(Owner);
            }

            if (isTaken || isLeft || isDisposed || handled >= end)
            {
                return isTaken;
            }

            if (outer is not null)
            {
                // Who has the turn may be waiting for the request that this thread is answering elsewhere.
                if (isForOuter)
                {
                    outer._aftermath!.Owe(ProcessOwed);
                }

                return false;
            }

            if (handled != lastHandled)
            {
                lastHandled = handled;
                deadline = Environment.TickCount64 + Patience;
            }

            _progress.Wait(seen, Patience);
        }
    }

    /// <summary>Leaves what is there to the one whose turn it is; the ring is entered.</summary>
    /// <returns><see langword="false"/> if that one drains and has taken others' requests already.</returns>
    private bool TryLeave(long end, bool isStill)
    {
        if (isStill)
        {
            _isOwed = true;
        }
        else if (!_isEndless)
        {
            if (_isRaised)
            {
                return false;
            }

            _isRaised = true;
            _goal = Math.Max(_goal, end);
        }

        return true;
    }

    /// <summary>Gets the next request to answer, or gives the turn up.</summary>
    private bool TryNext(bool isNested, out PageRequest request, out bool isAsked)
    {
        _ringGate.Enter();
        bool isOver = _head == _tail || (!_isEndless && _handled >= _goal);
        isAsked = !isOver && _stillWaiting != 0 && !isNested;
        bool isNext = !isOver && !isAsked;
        _hasOverflowed &= _head != _tail;
        _turn = isNext ? _turn : 0;
        request = isNext ? _ring[_head] : default;
        _ringGate.Leave();
        if (!isNext)
        {
            _progress.Raise();
        }

        return isNext;
    }

    /// <summary>Answers as far as the turn goes, and gives it up; <paramref name="isAsked"/> if for a capture or restore, and something is
    /// left. None comes between if this thread is answering another queue of the binder: it may be waiting for that one.</summary>
    private int AnswerInTurn(bool isNested, Aftermath aftermath, out bool isAsked)
    {
        int handled = 0;
        while (TryNext(isNested, out PageRequest request, out isAsked))
        {
            _aftermath = aftermath;
            _answerer.Answer(in request, aftermath);
            _aftermath = null;
            handled++;

            // Until now the request was outstanding.
            _ringGate.Enter();
            _ring[_head] = default;
            Volatile.Write(ref _head, (_head + 1) & (_ring.Length - 1));
            _handled++;
            _requests++;
            _ringGate.Leave();
            _progress.Raise();
        }

        return handled;
    }
}

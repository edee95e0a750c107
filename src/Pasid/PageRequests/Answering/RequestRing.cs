using System.Numerics;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The ring of a page request queue: what comes in, and by the turn of one thread at a time what goes to the answerer. A gate guards it;
/// nothing is called inside.
/// </summary>
internal sealed partial class RequestRing(RequestQueues queues, IPageResponder responder, int capacity, ILogger? logger)
{
    public const int MaxGroupIndex = 511;

    private const int MaxCapacity = 1 << 20;
    private const string What = "The page request queue";

    /// <summary>What users know it as, for the exception of one that is disposed.</summary>
    private const string Owner = "PageRequestQueue";

    private readonly RequestAnswerer _answerer = new(queues, responder, logger);

    private readonly PageRequest[] _ring = new PageRequest[capacity is >= 2 and <= MaxCapacity && BitOperations.IsPow2(capacity)
        ? capacity
        : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"A ring has a power of two of descriptors, 2 to {MaxCapacity}.")];

    /// <summary>Guards the ring and the turn to answer; held for a few instructions.</summary>
    private Gate _ringGate = new();

    private int _head;
    private int _tail;
    private volatile bool _hasOverflowed;
    private volatile bool _isDisposed;
    private long _requests;
    private long _overflows;

    public int Capacity => _ring.Length;

    public int Head => Volatile.Read(ref _head);

    public int Tail => Volatile.Read(ref _tail);

    public bool HasOverflowed => _hasOverflowed;

    public bool IsEmpty => Head == Tail;

    /// <summary>Gets how many requests wait or are being answered; the ring is entered.</summary>
    private int Count => (_tail - _head) & (_ring.Length - 1);

    /// <summary>Puts a request in, if there is room.</summary>
    public bool TryEnqueue(in PageRequest request)
    {
        _ringGate.Enter();
        int next = (_tail + 1) & (_ring.Length - 1);
        bool isFull = next == _head;
        if (_isDisposed)
        {
            _ringGate.Leave();
            Throw.Disposed(Owner);
        }
        else if (isFull)
        {
            _hasOverflowed = true;
            _overflows++;
        }
        else
        {
            _ring[_tail] = request;
            Volatile.Write(ref _tail, next);
        }

        _ringGate.Leave();
        if (!isFull)
        {
            return true;
        }

        logger?.PageRequestOverflowed(request.Device);
        if (request.IsDue)
        {
            // The hardware's own answer: nobody looks at the request, so the device asks again.
            _answerer.Respond(in request, PageResponseCode.Success);
        }

        return false;
    }

    /// <summary>Answers what waits.</summary>
    /// <returns>How many requests were answered by this thread.</returns>
    public int Process()
    {
        queues.Gate.ThrowIfInsideGate();
        RequestRing? outer = queues.FindAnswered();
        var aftermath = new Aftermath();
        int handled = 0;
        bool isAsked = true;
        for (bool isAgain = false; isAsked && TryTakeTurn(outer, isAgain); isAgain = true)
        {
            handled += AnswerInTurn(isNested: outer is not null, aftermath, out isAsked);
        }

        aftermath.Finish();
        return handled;
    }

    /// <summary>Answers what waits, for somebody who could not wait for it.</summary>
    public void ProcessOwed()
    {
        try
        {
            Process();
        }
        catch (ObjectDisposedException) when (_isDisposed)
        {
            // What is in it is answered by nobody.
        }
    }

    public PageRequestStatistics GetStatistics() => _answerer.GetStatistics(Volatile.Read(ref _requests), Volatile.Read(ref _overflows));

    /// <summary>Detaches the ring. What is in it is not answered.</summary>
    public void Dispose()
    {
        queues.Gate.ThrowIfInside();
        HoldStill();
        try
        {
            // First, so that what its statistics count is all that it ever will.
            _ringGate.Enter();
            _isDisposed = true;
            _ringGate.Leave();
            queues.Detach(this);
        }
        finally
        {
            LetGo();
        }
    }

    /// <summary>Enters the ring, so that nothing comes in; nothing is called meanwhile.</summary>
    public void Enter() => _ringGate.Enter();

    public void Leave() => _ringGate.Leave();

    /// <summary>Copies what is in the queue, oldest first; the ring is entered.</summary>
    public PageRequest[] CopyUnsynchronized()
    {
        var requests = new PageRequest[Count];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = _ring[(_head + i) & (_ring.Length - 1)];
        }

        return requests;
    }

    /// <summary>Puts what is in the queue in the place of something else; it has room, the answering stands still and the ring is
    /// entered.</summary>
    public void ReplaceUnsynchronized(PageRequest[] requests, bool hasOverflowed)
    {
        // For those who wait, what is taken out is over too.
        _handled += Count;
        Array.Clear(_ring);
        requests.CopyTo(_ring, 0);
        Volatile.Write(ref _head, 0);
        Volatile.Write(ref _tail, requests.Length);
        _hasOverflowed = hasOverflowed;
    }

    /// <summary>Counts the responses that were due to the requests that were answered, and those that were given; the answering stands
    /// still.</summary>
    public (long Due, long Given) CountResponses() => (_answerer.Due, _answerer.Given);
}

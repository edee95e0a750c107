using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The ring of a page request queue with its registers: what comes in, and by the turn of one thread at a time what goes to the answerer.
/// A gate guards it; nothing is called inside.
/// </summary>
internal sealed partial class RequestRing(RequestQueues queues, IIommu iommu, IPageResponder responder, PageRequestQueueOptions options, ILogger? logger)
{
    private const string What = "The page request queue";

    /// <summary>What users know it as, for the exception of one that is disposed.</summary>
    private const string Owner = "PageRequestQueue";

    private readonly RequestAnswerer _answerer = new(queues, responder, options.Observer, logger);
    private readonly bool _hardwareAnswers = options.HardwareAnswers;
    private readonly bool _isObserved = options.Observer is not null;

    private readonly RequestRegisters _registers = new(options.Capacity);

    /// <summary>Guards the ring and the turn to answer; held for a few instructions.</summary>
    private Gate _ringGate = new();

    /// <summary>One that a run before left empty; who takes it has it alone.</summary>
    private Aftermath? _spareAftermath;

    private volatile bool _isDead;
    private volatile bool _isDisposed;
    private long _requests;
    private long _lost;
    private long _refused;

    /// <summary>Gets the IOMMU whose queue it is.</summary>
    public IIommu Iommu => iommu;

    /// <summary>Gets the registers, to look at without the gate.</summary>
    public RequestRegisters Registers => _registers;

    /// <summary>Gets a value indicating whether nobody answers any more (<see cref="KernelQuirks.UnknownPasidEndsThread"/>).</summary>
    public bool IsDead => _isDead;

    public bool IsEmpty => _registers.Head == _registers.Tail;

    /// <summary>Gets how many requests have no answer yet; the ring is entered.</summary>
    private int Count => _registers.Count - _answered;

    /// <summary>Does with a request what the hardware does: puts it in, loses it, or answers it.</summary>
    /// <returns><see langword="true"/> if it is in the queue.</returns>
    public bool TryEnqueue(in PageRequest request)
    {
        if (_isDisposed)
        {
            Throw.Disposed(Owner);
        }

        if (_hardwareAnswers && request.IsStopMarker)
        {
            return false;
        }

        while (true)
        {
            long seen = queues.TearDowns;
            if (_hardwareAnswers && request.Pasid is { } pasid && !queues.Targets.HasEntry(request.Device, pasid))
            {
                Refuse(in request);
                return false;
            }

            if (TryPut(in request, seen, out bool isLost))
            {
                return true;
            }

            if (isLost)
            {
                break;
            }
        }

        logger?.PageRequestOverflowed(request.Device);
        if (_hardwareAnswers && request.IsDue)
        {
            // Nobody looks at the request: the device is to ask again.
            _answerer.RespondAtOnce(in request, PageResponseCode.Success);
        }

        return false;
    }

    /// <summary>Tells whether a drain has nothing to do here and nobody is told of it. Who is putting a request in is waited for: it may have
    /// found the entry present that is torn down since.</summary>
    public bool IsIdle()
    {
        _ringGate.Enter();
        bool isIdle = IsEmpty && !_registers.HasOverflowed && !_isObserved;
        _ringGate.Leave();
        return isIdle;
    }

    /// <summary>Runs the thread once.</summary>
    /// <returns>How many requests left the queue by that.</returns>
    public int Process()
    {
        queues.Gate.ThrowIfInsideGate();
        RequestRing? outer = queues.FindAnswered();
        if (!TryTakeTurn(outer))
        {
            return 0;
        }

        Aftermath aftermath = Interlocked.Exchange(ref _spareAftermath, null) ?? new Aftermath();
        int handled = Run(aftermath);
        if (aftermath.IsEmpty)
        {
            Volatile.Write(ref _spareAftermath, aftermath);
        }
        else
        {
            aftermath.Finish();
        }

        return handled;
    }

    /// <summary>Runs the thread once, for somebody who could not wait for it.</summary>
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

    public PageRequestStatistics GetStatistics() => new(
        Volatile.Read(ref _requests),
        Volatile.Read(ref _lost),
        _answerer.CountResponses(PageResponseCode.Success),
        _answerer.CountResponses(PageResponseCode.InvalidRequest),
        _answerer.CountResponses(PageResponseCode.ResponseFailure))
    {
        Refused = Volatile.Read(ref _refused),
    };

    /// <summary>Detaches the ring. What is in it is not answered.</summary>
    public void Dispose()
    {
        queues.Gate.ThrowIfInside();
        HoldStill(isForGood: true);
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

    /// <summary>Copies the queue, what is in it oldest first; the answering stands still and the ring is entered.</summary>
    public RequestRingState CopyUnsynchronized() =>
        new(_registers.Copy(), iommu.Name, _registers.Head, _registers.IsPending, _registers.HasOverflowed, _isDead);

    /// <summary>Brings the queue into another state; it has room, the answering stands still and the ring is entered.</summary>
    public void ReplaceUnsynchronized(in RequestRingState state)
    {
        // For those who wait, what is taken out is over too.
        _handled += Count;
        _isOwed = false;
        _registers.Replace(in state);
        _isDead = state.IsDead;
    }

    /// <summary>Counts the responses that were due to the requests that were answered, and those that were given; the answering stands
    /// still.</summary>
    public (long Due, long Given) CountResponses() => (_answerer.Due, _answerer.Given);

    /// <summary>Puts a request in, unless an entry was torn down since the caller looked for that of the device: then it looks again, so
    /// that no request comes in behind the drain that follows a tear-down.</summary>
    /// <param name="request">The request.</param>
    /// <param name="tearDowns">How many tear-downs there were when the caller looked.</param>
    /// <param name="isLost">Whether there was no room.</param>
    private bool TryPut(in PageRequest request, long tearDowns, out bool isLost)
    {
        _ringGate.Enter();
        bool isDisposed = _isDisposed;
        bool isCurrent = queues.TearDowns == tearDowns || Planted.Is(PlantedFault.RequestsComeBehindTheDrain);
        bool isPut = isCurrent && !isDisposed && _registers.TryPut(in request);
        isLost = isCurrent && !isDisposed && !isPut;
        _lost += isLost ? 1 : 0;
        _ringGate.Leave();
        if (isDisposed)
        {
            Throw.Disposed(Owner);
        }

        return isPut;
    }

    /// <summary>Answers a request of a device that has no entry.</summary>
    private void Refuse(in PageRequest request)
    {
        _ringGate.Enter();
        bool isDisposed = _isDisposed;
        _refused += isDisposed ? 0 : 1;
        _ringGate.Leave();
        if (isDisposed)
        {
            Throw.Disposed(Owner);
        }

        logger?.PageRequestRefused(request.Device, request.Pasid);
        if (request.IsDue)
        {
            _answerer.RespondAtOnce(in request, PageResponseCode.InvalidRequest);
        }
    }
}

/// <summary>A page request queue as it is at one moment, what waits oldest first.</summary>
internal readonly record struct RequestRingState(PageRequest[] Requests, string? Iommu, int Head, bool IsPending, bool HasOverflowed, bool IsDead);

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <summary>The page request queue of one IOMMU, a ring, over a binder.</summary>
/// <remarks>
/// <para>All members are safe for concurrent use. A gate guards the ring; one thread at a time answers, and holds nothing that others
/// need but the turn to answer. Nothing that is called while answering may call the binder, which is detected.</para>
/// <para>The binder's unbinds drain the queue, unless its profile has <see cref="KernelQuirks.UnbindSkipsDrain"/>: when a device is unbound
/// for the last time, all that is in the queue is answered before the unbind returns. Where another thread is answering, the unbind waits
/// for the requests that have the PASID, and for no others.</para>
/// <para>Models the page request queue of VT-d and <c>prq_event_thread</c> of Linux 5.6.</para>
/// </remarks>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "What the hardware calls it; it is no collection.")]
[DebuggerDisplay("Head = {Head}, Tail = {Tail}, Capacity = {Capacity}")]
public sealed partial class PageRequestQueue : IPageRequestQueue, IDisposable
{
    /// <summary>How many descriptors a ring has by default.</summary>
    public const int DefaultCapacity = 256;

    internal const int MaxGroupIndex = 511;

    private const int MaxCapacity = 1 << 20;
    private const string What = "The page request queue";

    private readonly SvmBinder _binder;
    private readonly IPageResponder _responder;
    private readonly ILogger? _logger;
    private readonly int _unusedBits;
    private readonly PageRequest[] _ring;

    /// <summary>How often each code was responded: by value, and the third is <see cref="PageResponseCode.ResponseFailure"/>.</summary>
    private readonly long[] _responses = new long[3];

    /// <summary>Guards the ring and the turn to answer; held for a few instructions.</summary>
    private Gate _ringGate = new();

    private int _head;
    private int _tail;
    private volatile bool _hasOverflowed;
    private volatile bool _isDisposed;
    private long _requests;
    private long _overflows;

    /// <summary>How many responses the requests that were handled have to get, and how many they got; written by who answers.</summary>
    private long _due;

    private long _given;

    /// <summary>Makes an empty queue and attaches it to a binder.</summary>
    /// <param name="binder">Whose PASIDs the requests are for.</param>
    /// <param name="responder">Who takes the answers.</param>
    /// <param name="capacity">How many descriptors the ring has: a power of two, 2 to 1048576.</param>
    /// <param name="loggerFactory">Where the logger comes from; its category is <c>Pasid.PageRequestQueue</c>. <see langword="null"/> for no
    /// log. What a logger throws is not passed on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="binder"/> or <paramref name="responder"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="capacity"/> is no power of two from 2 to 1048576.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    public PageRequestQueue(SvmBinder binder, IPageResponder responder, int capacity = DefaultCapacity, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(binder);
        ArgumentNullException.ThrowIfNull(responder);
        if (capacity is < 2 or > MaxCapacity || !BitOperations.IsPow2(capacity))
        {
            throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"A ring has a power of two of descriptors, 2 to {MaxCapacity}.");
        }

        _binder = binder;
        _responder = responder;
        _ring = new PageRequest[capacity];
        _unusedBits = 64 - binder.AddressWidth;
        _logger = LogCategory.MakeLogger(loggerFactory, nameof(PageRequestQueue), binder.HostName);
        binder.Attach(this);
    }

    /// <inheritdoc/>
    public int Capacity => _ring.Length;

    /// <inheritdoc/>
    public int Head => Volatile.Read(ref _head);

    /// <inheritdoc/>
    public int Tail => Volatile.Read(ref _tail);

    /// <inheritdoc/>
    public bool HasOverflowed => _hasOverflowed;

    /// <inheritdoc/>
    public bool TryEnqueue(in PageRequest request)
    {
        Check(in request);
        _ringGate.Enter();
        int next = (_tail + 1) & (_ring.Length - 1);
        bool isFull = next == _head;
        if (_isDisposed)
        {
            _ringGate.Leave();
            Throw.Disposed(this);
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

        _logger?.PageRequestOverflowed(request.Device);
        if (request.IsDue)
        {
            // The hardware's own answer: nobody looks at the request, so the device asks again.
            Respond(in request, PageResponseCode.Success);
        }

        return false;
    }

    /// <inheritdoc/>
    public int Process()
    {
        _binder.ThrowIfInsideGate();
        PageRequestQueue? outer = _binder.FindAnswered();
        var run = new AnswerRun();
        int handled = TryTakeTurn(outer, isAgain: false) ? AnswerAll(outer, run) : 0;
        run.Finish();
        return handled;
    }

    /// <inheritdoc/>
    public PageRequestStatistics GetStatistics() => new(
        Volatile.Read(ref _requests),
        Volatile.Read(ref _overflows),
        Volatile.Read(ref _responses[0]),
        Volatile.Read(ref _responses[1]),
        Volatile.Read(ref _responses[2]));

    /// <summary>Detaches the queue from its binder. What is in it is not answered. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder or the queue.</exception>
    /// <remarks>Waits for the request that another thread is answering.</remarks>
    public void Dispose()
    {
        _binder.ThrowIfInside();
        HoldStill();
        try
        {
            // First, so that what its statistics count is all that it ever will.
            _ringGate.Enter();
            _isDisposed = true;
            _ringGate.Leave();
            _binder.Detach(this);
        }
        finally
        {
            LetGo();
        }
    }

    /// <summary>Copies what is in the queue, oldest first; the ring is entered.</summary>
    internal PageRequest[] CopyUnsynchronized(out bool hasOverflowed)
    {
        var requests = new PageRequest[Count];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = _ring[(_head + i) & (_ring.Length - 1)];
        }

        hasOverflowed = _hasOverflowed;
        return requests;
    }

    /// <summary>Puts what is in the queue in the place of something else; it has room, the answering stands still and the ring is
    /// entered.</summary>
    internal void LoadUnsynchronized(PageRequest[] requests, bool hasOverflowed)
    {
        // For those who wait, what is taken out is over too.
        _handled += Count;
        Array.Clear(_ring);
        requests.CopyTo(_ring, 0);
        Volatile.Write(ref _head, 0);
        Volatile.Write(ref _tail, requests.Length);
        _hasOverflowed = hasOverflowed;
    }

    /// <summary>Enters the ring, so that nothing comes in; nothing is called meanwhile.</summary>
    internal void EnterRing() => _ringGate.Enter();

    internal void LeaveRing() => _ringGate.Leave();

    /// <summary>Finds requests that were not answered as often as they have to be; the answering stands still.</summary>
    internal void CheckIntegrity(List<IntegrityFinding> findings)
    {
        if (_given != _due)
        {
            findings.Add(new(IntegrityInvariant.RequestsAreAnsweredOnce, $"{_due} responses were due and {_given} were given"));
        }
    }

    internal void Log(in PageRequest request, PageResponseCode? code)
    {
        if (code is { } given)
        {
            _logger!.PageRequestAnswered(request.Device, request.Pasid, request.Address, given);
        }
        else
        {
            _logger!.PageRequestOfNobody(request.Device, request.Pasid);
        }
    }

    internal bool IsDisposed => _isDisposed;

    /// <summary>Gets how many requests wait or are being answered; the ring is entered.</summary>
    private int Count => (_tail - _head) & (_ring.Length - 1);

    private static void Check(in PageRequest request)
    {
        if (request.Device?.Iommu is null)
        {
            throw new ArgumentException($"The request comes from {(request.Device is null ? "no device" : $"the device '{request.Device}', which is behind no IOMMU")}: requests come through the IOMMU of a device.", nameof(request));
        }

        Throw.IfUndefined(request.Rights, nameof(request));
        if (request.GroupIndex is < 0 or > MaxGroupIndex)
        {
            throw new ArgumentException($"The group index is {request.GroupIndex}: give 0 to {MaxGroupIndex}.", nameof(request));
        }
    }
}

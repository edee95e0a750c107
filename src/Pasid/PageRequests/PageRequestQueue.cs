using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
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
public sealed class PageRequestQueue : IPageRequestQueue, IDisposable
{
    /// <summary>How many descriptors a ring has by default.</summary>
    public const int DefaultCapacity = 256;

    private readonly RequestRing _ring;

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
        _ring = new RequestRing(binder.Queues, responder, capacity, LogCategory.MakeLogger(loggerFactory, nameof(PageRequestQueue), binder.HostName));
        binder.Queues.Attach(_ring);
    }

    /// <inheritdoc/>
    public int Capacity => _ring.Capacity;

    /// <inheritdoc/>
    public int Head => _ring.Head;

    /// <inheritdoc/>
    public int Tail => _ring.Tail;

    /// <inheritdoc/>
    public bool HasOverflowed => _ring.HasOverflowed;

    /// <inheritdoc/>
    public bool TryEnqueue(in PageRequest request)
    {
        if (request.Device?.Iommu is null)
        {
            throw new ArgumentException($"The request comes from {(request.Device is null ? "no device" : $"the device '{request.Device}', which is behind no IOMMU")}: requests come through the IOMMU of a device.", nameof(request));
        }

        Rights.ThrowIfUndefined(request.Rights, nameof(request));
        if (request.GroupIndex is < 0 or > RequestRing.MaxGroupIndex)
        {
            throw new ArgumentException($"The group index is {request.GroupIndex}: give 0 to {RequestRing.MaxGroupIndex}.", nameof(request));
        }

        return _ring.TryEnqueue(in request);
    }

    /// <inheritdoc/>
    public int Process() => _ring.Process();

    /// <inheritdoc/>
    public PageRequestStatistics GetStatistics() => _ring.GetStatistics();

    /// <summary>Detaches the queue from its binder. What is in it is not answered. A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder or the queue.</exception>
    /// <remarks>Waits for the request that another thread is answering.</remarks>
    public void Dispose() => _ring.Dispose();
}

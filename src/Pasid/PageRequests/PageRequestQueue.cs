using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <summary>The page request queue of one IOMMU, with its registers, over a binder.</summary>
/// <remarks>
/// <para>All members are safe for concurrent use. A gate guards the ring; one thread at a time answers, and holds nothing that others
/// need but the turn to answer. What is called while answering may not call the binder, which is detected, but for what
/// <see cref="IAddressSpaceFaultHandler"/> names.</para>
/// <para>The binder's unbinds drain its queues, unless its profile has <see cref="KernelQuirks.UnbindSkipsDrain"/>: between the tear-down of
/// an entry and its release, requests of the PASID that are in a queue are answered. Where another thread is answering, the unbind waits
/// for these requests, and for no others.</para>
/// <para>Models the page request queue of VT-d and <c>prq_event_thread</c>; of which kernel, <see cref="KernelProfile.PageRequests"/> says.</para>
/// </remarks>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "What the hardware calls it; it is no collection.")]
[DebuggerDisplay("{Iommu.Name}: Head = {Head}, Tail = {Tail}, Capacity = {Capacity}")]
public sealed class PageRequestQueue : IPageRequestQueue, IDisposable
{
    private readonly RequestRing _ring;

    /// <summary>Makes an empty queue for an IOMMU and attaches it to a binder.</summary>
    /// <param name="binder">Whose PASIDs the requests are for.</param>
    /// <param name="iommu">Whose queue it is: it takes the requests of the devices behind it.</param>
    /// <param name="responder">Who takes the answers.</param>
    /// <param name="options">The settings; <see langword="null"/> for the defaults.</param>
    /// <param name="loggerFactory">Where the logger comes from; its category is <c>Pasid.PageRequestQueue</c>. <see langword="null"/> for no
    /// log. What a logger throws is not passed on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="binder"/>, <paramref name="iommu"/> or <paramref name="responder"/> is
    /// <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The capacity of <paramref name="options"/> is no power of two from 2 to 1048576.</exception>
    /// <exception cref="InvalidOperationException"><paramref name="iommu"/> has a queue over <paramref name="binder"/> already; or called
    /// from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    public PageRequestQueue(SvmBinder binder, IIommu iommu, IPageResponder responder, PageRequestQueueOptions? options = null, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(binder);
        ArgumentNullException.ThrowIfNull(iommu);
        ArgumentNullException.ThrowIfNull(responder);
        ILogger? logger = LogCategory.MakeLogger(loggerFactory, nameof(PageRequestQueue), binder.HostName);
        _ring = new RequestRing(binder.Queues, iommu, responder, options ?? new PageRequestQueueOptions(), logger);
        binder.Queues.Attach(_ring);
    }

    /// <inheritdoc/>
    public IIommu Iommu => _ring.Iommu;

    /// <inheritdoc/>
    public int Capacity => _ring.Registers.Capacity;

    /// <inheritdoc/>
    public int Head => _ring.Registers.Head;

    /// <inheritdoc/>
    public int Tail => _ring.Registers.Tail;

    /// <inheritdoc/>
    public bool IsPending => _ring.Registers.IsPending;

    /// <inheritdoc/>
    public bool HasOverflowed => _ring.Registers.HasOverflowed;

    /// <inheritdoc/>
    public bool IsDead => _ring.IsDead;

    /// <inheritdoc/>
    public bool TryEnqueue(in PageRequest request)
    {
        request.ThrowIfImpossible(nameof(request));
        if (!ReferenceEquals(request.Device.Iommu, Iommu))
        {
            string where = request.Device.Iommu is { } other ? $"behind the IOMMU '{other.Name}'" : "behind no IOMMU";
            throw new ArgumentException($"The request comes from the device '{request.Device}', which is {where}, and the queue is that of the IOMMU '{Iommu.Name}': give it to the queue of its own.", nameof(request));
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

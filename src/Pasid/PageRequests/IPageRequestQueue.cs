using System.Diagnostics.CodeAnalysis;

namespace Pasid;

/// <summary>The page request queue of an IOMMU: devices put requests in, the kernel takes them out and answers them.</summary>
/// <remarks>
/// <para>All members are safe for concurrent use. Requests are answered one at a time, in the order in which they came.</para>
/// <para>Models the page request queue of VT-d and <c>prq_event_thread</c>.</para>
/// </remarks>
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "What the hardware calls it; it is no collection.")]
public interface IPageRequestQueue
{
    /// <summary>Gets whose queue it is.</summary>
    /// <value>Never <see langword="null"/>.</value>
    IIommu Iommu { get; }

    /// <summary>Gets how many descriptors of 32 bytes the queue has; it is full with one less.</summary>
    /// <value>A power of two, 2 to 1048576.</value>
    int Capacity { get; }

    /// <summary>Gets where the next request is taken out.</summary>
    /// <value>0 to <see cref="Capacity"/> - 1; equal to <see cref="Tail"/> when all are answered. It moves once, at the end of a run.</value>
    /// <remarks>Models <c>DMAR_PQH_REG</c>, which counts bytes.</remarks>
    int Head { get; }

    /// <summary>Gets where the next request is put in.</summary>
    /// <value>0 to <see cref="Capacity"/> - 1.</value>
    /// <remarks>Models <c>DMAR_PQT_REG</c>, which counts bytes.</remarks>
    int Tail { get; }

    /// <summary>Gets a value indicating whether a request came since the last run began.</summary>
    /// <value><see langword="true"/> while the IOMMU has an interrupt for the thread.</value>
    /// <remarks>Models <c>DMA_PRS_PPR</c>.</remarks>
    bool IsPending { get; }

    /// <summary>Gets a value indicating whether a request found the queue full; until that is cleared, all others are lost too.</summary>
    /// <value>Cleared by a run: at its end if the queue is empty then; in Linux 5.8 anyhow, and never under
    /// <see cref="KernelQuirks.OverflowIsForEver"/>.</value>
    /// <remarks>Models <c>DMA_PRS_PRO</c>.</remarks>
    bool HasOverflowed { get; }

    /// <summary>Gets a value indicating whether the thread has died and nothing is answered any more.</summary>
    /// <value>Always <see langword="false"/> without <see cref="KernelQuirks.UnknownPasidEndsThread"/>.</value>
    bool IsDead { get; }

    /// <summary>Brings a request before the IOMMU; what a device does.</summary>
    /// <param name="request">The request.</param>
    /// <returns><see langword="true"/> if it is in the queue. Otherwise the IOMMU has dealt with it, unless
    /// <see cref="PageRequestQueueOptions.HardwareAnswers"/> is off: a device that has no entry for the PASID gets
    /// <see cref="PageResponseCode.InvalidRequest"/>; where the queue is full or overflowed the request is lost, and its group gets
    /// <see cref="PageResponseCode.Success"/>, so that the device asks again; a stop marker gets no answer.</returns>
    /// <exception cref="ArgumentException"><paramref name="request"/> comes from no device, or one behind another IOMMU, its rights have
    /// undefined bits, its PASID has more than 20 bits, or its group index is not 0 to 511.</exception>
    /// <exception cref="ObjectDisposedException">The queue is disposed.</exception>
    /// <remarks>May be called from anywhere, also from inside callbacks. What an allocator of one's own or the responder throws is passed on.
    /// Models what VT-d says of page requests in 7.4.1.</remarks>
    bool TryEnqueue(in PageRequest request);

    /// <summary>Runs the thread once: answers what is in the queue when it begins; what the kernel does when it is interrupted.</summary>
    /// <returns>How many requests left the queue by that; 0 if the thread is dead, and if another thread has answered what was there.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a fault handler, device callback or responder of the queue, or from
    /// inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The queue is disposed.</exception>
    /// <remarks>
    /// <para>A request is answered by the first that holds: without PASID, or with one that is not bound: <see cref="PageResponseCode.InvalidRequest"/>
    /// (before Linux 5.10 <see cref="PageResponseCode.ResponseFailure"/>). At an address that is not canonical, the supervisor's, of an address
    /// space that has exited, or not handled by <see cref="AddressSpace.FaultHandler"/>: <see cref="PageResponseCode.InvalidRequest"/>. Else
    /// <see cref="PageResponseCode.Success"/>. But for the first two the callbacks that the device was bound with are told, until its unbind begins. Only requests
    /// that are the last of their group, or carry private data, get a response, which tells how they themselves ended.</para>
    /// <para>Head and tail are read once. What comes while the thread runs waits for the next run, and the slots of what is answered are free
    /// when it ends.</para>
    /// <para>While another thread answers requests of the queue, the call waits until those are answered that were there when it began.
    /// From inside a handler of another queue of the same binder, or when not one request is finished for a second, it leaves them to
    /// that thread and returns: two handlers that process each other's queues do not wait for each other for ever.</para>
    /// <para>PASIDs are looked up without a lock. What handlers, callbacks and the responder throw is passed on once all is answered.
    /// Models <c>prq_event_thread</c>.</para>
    /// </remarks>
    int Process();

    /// <summary>Gets what the queue has done so far.</summary>
    /// <returns>A picture that no later call changes.</returns>
    PageRequestStatistics GetStatistics();
}

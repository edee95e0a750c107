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
    /// <summary>Gets how many descriptors the ring has; it is full with one less.</summary>
    /// <value>A power of two.</value>
    int Capacity { get; }

    /// <summary>Gets where the next request is taken out.</summary>
    /// <value>0 to <see cref="Capacity"/> - 1; equal to <see cref="Tail"/> when all are answered.</value>
    /// <remarks>Models <c>DMAR_PQH_REG</c>.</remarks>
    int Head { get; }

    /// <summary>Gets where the next request is put in.</summary>
    /// <value>0 to <see cref="Capacity"/> - 1.</value>
    /// <remarks>Models <c>DMAR_PQT_REG</c>.</remarks>
    int Tail { get; }

    /// <summary>Gets a value indicating whether a request found the queue full since it was last empty.</summary>
    /// <value>From the overflow until all that is in the queue is answered.</value>
    /// <remarks>Models <c>DMA_PRS_PRO</c>.</remarks>
    bool HasOverflowed { get; }

    /// <summary>Puts a request in; what a device does.</summary>
    /// <param name="request">The request.</param>
    /// <returns><see langword="false"/> if the queue was full: the request is lost, and if it would be answered by itself, the hardware
    /// answers <see cref="PageResponseCode.Success"/>, so that the device asks again.</returns>
    /// <exception cref="ArgumentException"><paramref name="request"/> comes from no device, or one behind no IOMMU, its rights have undefined
    /// bits, or its group index is not 0 to 511.</exception>
    /// <exception cref="ObjectDisposedException">The queue is disposed.</exception>
    bool TryEnqueue(in PageRequest request);

    /// <summary>Answers what is in the queue; what the kernel does when it is interrupted.</summary>
    /// <returns>How many requests this call handled; not those that another thread did.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a fault handler, device callback or responder of the queue, or from
    /// inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The queue is disposed.</exception>
    /// <remarks>
    /// <para>A request is answered by the first that holds: without PASID, or with one that is not bound: <see cref="PageResponseCode.ResponseFailure"/>.
    /// The supervisor's, of an address space that has exited, at an address that is not canonical, or not handled by
    /// <see cref="AddressSpace.FaultHandler"/>: <see cref="PageResponseCode.InvalidRequest"/>. Else <see cref="PageResponseCode.Success"/>. But for the
    /// first two the callbacks that the device was bound with are told. Only requests that are the last of their group, or carry private
    /// data, get a response, which tells how they themselves ended.</para>
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

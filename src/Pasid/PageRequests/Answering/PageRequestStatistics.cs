namespace Pasid;

/// <summary>Tells what an <see cref="IPageRequestQueue"/> has done so far.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public sealed record PageRequestStatistics
{
    /// <summary>Makes a picture.</summary>
    /// <param name="requests">Requests that were handled.</param>
    /// <param name="overflows">Requests that found the queue full.</param>
    /// <param name="successes">Groups that were answered <see cref="PageResponseCode.Success"/>.</param>
    /// <param name="invalidRequests">Groups that were answered <see cref="PageResponseCode.InvalidRequest"/>.</param>
    /// <param name="failures">Groups that were answered <see cref="PageResponseCode.ResponseFailure"/>.</param>
    public PageRequestStatistics(long requests, long overflows, long successes, long invalidRequests, long failures)
    {
        Requests = requests;
        Overflows = overflows;
        Successes = successes;
        InvalidRequests = invalidRequests;
        Failures = failures;
    }

    /// <summary>Gets how many requests were handled.</summary>
    public long Requests { get; }

    /// <summary>Gets how many requests found the queue full, or came while it was overflowed.</summary>
    /// <value>0 or more.</value>
    public long Overflows { get; }

    /// <summary>Gets how many requests the IOMMU refused, because the device had no entry for the PASID.</summary>
    /// <value>0 or more.</value>
    public long Refused { get; init; }

    /// <summary>Gets how many groups were answered <see cref="PageResponseCode.Success"/>, by the hardware when the queue was full
    /// included.</summary>
    public long Successes { get; }

    /// <summary>Gets how many groups were answered <see cref="PageResponseCode.InvalidRequest"/>, by the hardware where a device had no
    /// entry included.</summary>
    /// <value>0 or more.</value>
    public long InvalidRequests { get; }

    /// <summary>Gets how many groups were answered <see cref="PageResponseCode.ResponseFailure"/>.</summary>
    public long Failures { get; }

    internal PageRequestStatistics Plus(PageRequestStatistics other) => new(
        Requests + other.Requests,
        Overflows + other.Overflows,
        Successes + other.Successes,
        InvalidRequests + other.InvalidRequests,
        Failures + other.Failures)
    {
        Refused = Refused + other.Refused,
    };
}

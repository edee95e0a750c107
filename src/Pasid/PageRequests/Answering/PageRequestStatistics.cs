namespace Pasid;

/// <summary>Tells what a page request queue has done so far.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public sealed record PageRequestStatistics
{
    internal PageRequestStatistics()
    {
    }

    /// <summary>Gets how many requests were handled.</summary>
    public long Requests { get; internal init; }

    /// <summary>Gets how many requests found the queue full.</summary>
    public long Overflows { get; internal init; }

    /// <summary>Gets how many groups were answered <see cref="PageResponseCode.Success"/>, by the hardware when the queue was full
    /// included.</summary>
    public long Successes { get; internal init; }

    /// <summary>Gets how many groups were answered <see cref="PageResponseCode.InvalidRequest"/>.</summary>
    public long InvalidRequests { get; internal init; }

    /// <summary>Gets how many groups were answered <see cref="PageResponseCode.ResponseFailure"/>.</summary>
    public long Failures { get; internal init; }

    internal PageRequestStatistics Plus(PageRequestStatistics other) => new()
    {
        Requests = Requests + other.Requests,
        Overflows = Overflows + other.Overflows,
        Successes = Successes + other.Successes,
        InvalidRequests = InvalidRequests + other.InvalidRequests,
        Failures = Failures + other.Failures,
    };
}

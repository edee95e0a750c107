namespace Pasid;

/// <summary>Tells what a <see cref="IPageRequestQueue"/> has done so far.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Requests">Requests that were handled.</param>
/// <param name="Overflows">Requests that found the queue full.</param>
/// <param name="Successes">Groups that were answered <see cref="PageResponseCode.Success"/>, by the hardware when the queue was full included.</param>
/// <param name="InvalidRequests">Groups that were answered <see cref="PageResponseCode.InvalidRequest"/>.</param>
/// <param name="Failures">Groups that were answered <see cref="PageResponseCode.ResponseFailure"/>.</param>
public sealed record PageRequestStatistics(long Requests, long Overflows, long Successes, long InvalidRequests, long Failures)
{
    internal PageRequestStatistics Plus(PageRequestStatistics other) => new(
        Requests + other.Requests,
        Overflows + other.Overflows,
        Successes + other.Successes,
        InvalidRequests + other.InvalidRequests,
        Failures + other.Failures);
}

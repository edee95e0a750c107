namespace Pasid;

/// <summary>The side of the hardware that takes the answers to page requests back to the devices.</summary>
/// <remarks>
/// <para>Called one at a time from one queue while it answers, and from <see cref="IPageRequestQueue.TryEnqueue"/> where the IOMMU refuses
/// or loses a request, on whatever thread that is: an implementation must be safe for concurrent use. It may enqueue further requests;
/// it must not call the binder, which throws <see cref="InvalidOperationException"/> while requests are answered. What it throws is passed
/// on once all is answered, and by <see cref="IPageRequestQueue.TryEnqueue"/> at once.</para>
/// <para>Models <c>qi_submit_sync</c> of a page group response.</para>
/// </remarks>
public interface IPageResponder
{
    /// <summary>Takes an answer.</summary>
    /// <param name="response">The answer.</param>
    void Respond(in PageResponse response);
}

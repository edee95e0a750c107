namespace Pasid;

/// <summary>Says whose thread answers page requests, and what an unbind does about those that wait. What is a defect, a quirk says.</summary>
/// <remarks>Immutable; safe for concurrent use. Models <c>prq_event_thread</c> and <c>intel_svm_drain_prq</c>.</remarks>
public enum PageRequestRules
{
    /// <summary>A request with no PASID, or one that is bound to nothing, is answered <see cref="PageResponseCode.ResponseFailure"/>. A
    /// tear-down clears an entry and flushes nothing: a flush follows when the device has left its binding. Linux 5.6 and 5.7.</summary>
    Linux56 = 0,

    /// <summary>As before, but a tear-down flushes what is cached before requests are drained, at exit faults of the PASID are ignored from
    /// then on, and an overflow is cleared at the end of each run. Linux 5.8 and 5.9.</summary>
    Linux58 = 1,

    /// <summary>As before, but requests with no PASID, or one that is bound to nothing, are answered
    /// <see cref="PageResponseCode.InvalidRequest"/>, and an overflow is cleared once the queue is empty. Linux 5.10 and 5.11.</summary>
    Linux510 = 2,
}

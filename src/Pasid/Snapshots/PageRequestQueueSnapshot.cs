namespace Pasid;

/// <summary>Pictures one page request queue in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable as long as the list that it was made with is; safe for concurrent use.</remarks>
/// <param name="Requests">The requests that wait, oldest first.</param>
/// <param name="HasOverflowed">Whether a request found it full.</param>
public sealed record PageRequestQueueSnapshot(IReadOnlyList<PageRequestSnapshot> Requests, bool HasOverflowed = false);

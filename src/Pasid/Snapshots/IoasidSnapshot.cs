namespace Pasid;

/// <summary>Pictures one live id in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable; safe for concurrent use. At most one of the last three says what the data is; none for no data.</remarks>
/// <param name="Id">The id, 0 to 4294967294.</param>
/// <param name="References">How many references it has, at least 1.</param>
/// <param name="Owner">The index of its owner; <see langword="null"/> for none.</param>
/// <param name="Binding">The index of the binding that its data is.</param>
/// <param name="IsStale">Whether its data is a binding that is over, as <see cref="KernelQuirks.FailedRebindLeavesData"/> leaves it.</param>
/// <param name="Data">What <see cref="PasidSnapshotMap.NameData"/> called its data.</param>
public sealed record IoasidSnapshot(uint Id, long References, int? Owner = null, int? Binding = null, bool IsStale = false, string? Data = null);

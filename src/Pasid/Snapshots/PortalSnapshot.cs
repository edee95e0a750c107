namespace Pasid;

/// <summary>Pictures one mapping of a portal in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Address">Where it is mapped.</param>
/// <param name="Portal">What <see cref="PasidSnapshotMap.NamePortal"/> called it.</param>
public sealed record PortalSnapshot(ulong Address, string Portal);

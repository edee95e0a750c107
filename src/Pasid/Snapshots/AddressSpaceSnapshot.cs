namespace Pasid;

/// <summary>Pictures one address space in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Name">What <see cref="PasidSnapshotMap.NameAddressSpace"/> called it.</param>
/// <param name="Pasid">The PASID that it remembers; <see langword="null"/> for none.</param>
/// <param name="HasExited">Whether its last user has left.</param>
public sealed record AddressSpaceSnapshot(string Name, uint? Pasid = null, bool HasExited = false);

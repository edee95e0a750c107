namespace Pasid;

/// <summary>Pictures one address space in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Name">What <see cref="PasidSnapshotMap.NameAddressSpace"/> called it.</param>
/// <param name="Pasid">The PASID that it remembers; <see langword="null"/> for none.</param>
/// <param name="HasExited">Whether its process has left.</param>
/// <param name="Guests">How many came by <see cref="AddressSpace.TryAddUser"/> and have not left.</param>
/// <param name="LeakedUsers">How many of these page requests left behind (<see cref="KernelQuirks.NonCanonicalFaultLeaksUser"/>).</param>
/// <param name="ExtraPins">How many pins <see cref="AddressSpace.AddPin"/> added.</param>
/// <param name="Threads">The threads of the process, the one made first first; <see langword="null"/> for none.</param>
/// <param name="Portals">The portals that the process has mapped, lowest first; <see langword="null"/> for none.</param>
public sealed record AddressSpaceSnapshot(
    string Name,
    uint? Pasid = null,
    bool HasExited = false,
    int Guests = 0,
    int LeakedUsers = 0,
    int ExtraPins = 0,
    IReadOnlyList<SvmThreadSnapshot>? Threads = null,
    IReadOnlyList<PortalSnapshot>? Portals = null);

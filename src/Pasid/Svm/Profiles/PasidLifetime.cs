namespace Pasid;

/// <summary>Says how long the PASID that an address space shares over its devices stays with it.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum PasidLifetime
{
    /// <summary>Until the last device is unbound; the next bind allocates anew. Linux 5.6 and earlier.</summary>
    Binding = 0,

    /// <summary>Until the address space is destroyed: binds in between get the same PASID. The seed patch, and Linux 5.18 and later.</summary>
    AddressSpace = 1,
}

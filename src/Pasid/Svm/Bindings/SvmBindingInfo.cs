namespace Pasid;

/// <summary>Pictures one binding: a PASID, the address space behind it, and the devices that use it.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Pasid">The PASID.</param>
/// <param name="AddressSpace">The address space; <see langword="null"/> for the supervisor's own.</param>
/// <param name="Flags">What kind of PASID was asked for.</param>
/// <param name="Devices">The devices, the one bound last first.</param>
public sealed record SvmBindingInfo(Ioasid Pasid, AddressSpace? AddressSpace, SvmBindFlags Flags, IReadOnlyList<SvmDeviceInfo> Devices);

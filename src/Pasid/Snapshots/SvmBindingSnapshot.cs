namespace Pasid;

/// <summary>Pictures one binding in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable as long as the list that it was made with is; safe for concurrent use.</remarks>
/// <param name="Pasid">The PASID.</param>
/// <param name="AddressSpace">The index of the address space; <see langword="null"/> for the supervisor's own.</param>
/// <param name="Flags">What kind of PASID was asked for.</param>
/// <param name="FirstDevice">The device that was bound first, bound still or not; see <see cref="KernelQuirks.FirstIommuFlushes"/>.</param>
/// <param name="Devices">The devices, the one bound last first; at least one.</param>
public sealed record SvmBindingSnapshot(uint Pasid, int? AddressSpace, SvmBindFlags Flags, string FirstDevice, IReadOnlyList<SvmDeviceSnapshot> Devices);

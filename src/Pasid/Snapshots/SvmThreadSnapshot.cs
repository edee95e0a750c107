namespace Pasid;

/// <summary>Pictures one thread in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Name">What the thread is called.</param>
/// <param name="Msr">What is in its IA32_PASID register.</param>
public sealed record SvmThreadSnapshot(string Name, ulong Msr = 0);

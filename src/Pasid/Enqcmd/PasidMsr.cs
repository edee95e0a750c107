using System.Globalization;

namespace Pasid;

/// <summary>
/// Represents the value of IA32_PASID, the register from which ENQCMD takes the PASID of a thread: bits 19..0 hold the PASID,
/// bit 31 says whether it is valid, all others are 0.
/// </summary>
/// <remarks>
/// <para><c>default(PasidMsr)</c> is the value of a new thread: not valid.</para>
/// <para>Immutable; safe for concurrent use. Models MSR 0xD93, which Linux keeps for each thread.</para>
/// </remarks>
public readonly record struct PasidMsr
{
    /// <summary>The number of the register.</summary>
    /// <remarks>Models <c>MSR_IA32_PASID</c>.</remarks>
    public const uint Index = 0xD93;

    /// <summary>The bit that says that the PASID is valid.</summary>
    /// <remarks>Models <c>MSR_IA32_PASID_VALID</c>.</remarks>
    public const ulong ValidBit = 1ul << 31;

    private const ulong PasidMask = IoasidRange.PasidLimit - 1;

    /// <summary>Makes the value of given bits.</summary>
    /// <param name="value">The 64 bits.</param>
    public PasidMsr(ulong value) => Value = value;

    /// <summary>Gets the 64 bits.</summary>
    public ulong Value { get; }

    /// <summary>Gets a value indicating whether ENQCMD may use the PASID.</summary>
    /// <value>Bit 31.</value>
    public bool IsValid => (Value & ValidBit) != 0;

    /// <summary>Gets the PASID.</summary>
    /// <value>Bits 19..0; <see cref="Ioasid.Invalid"/> if it is not valid.</value>
    public Ioasid Pasid => IsValid ? new Ioasid((uint)(Value & PasidMask)) : Ioasid.Invalid;

    /// <summary>Makes the value with a PASID that is valid.</summary>
    /// <param name="pasid">The PASID, below 1048576.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pasid"/> has more than 20 bits.</exception>
    public static PasidMsr Of(Ioasid pasid)
    {
        if (pasid.Value >= IoasidRange.PasidLimit)
        {
            throw new ArgumentOutOfRangeException(nameof(pasid), pasid, $"The register has 20 bits for a PASID: give one below {IoasidRange.PasidLimit}.");
        }

        return new PasidMsr(pasid.Value | ValidBit);
    }

    /// <summary>Returns the value in hexadecimal digits.</summary>
    /// <returns>For example <c>0x80000001</c>.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"0x{Value:X8}");
}

using System.Diagnostics;
using System.Globalization;

namespace Pasid;

/// <summary>
/// Represents the numbers from which an allocation may choose; both ends are included.
/// </summary>
/// <remarks>
/// <para>A range whose <paramref name="Minimum"/> exceeds its <paramref name="Maximum"/> holds nothing: an allocation
/// from it fails, as it does in the kernel, and is no programming error. 4294967295 (<see cref="Ioasid.Invalid"/>)
/// may be an end but is never handed out.</para>
/// <para><c>default(IoasidRange)</c> holds id 0 alone.</para>
/// <para>Immutable; safe for concurrent use. Models the <c>min</c> and <c>max</c> arguments of <c>ioasid_alloc</c>.</para>
/// </remarks>
/// <param name="Minimum">The lowest number, included; 0 to 4294967295.</param>
/// <param name="Maximum">The highest number, included; 0 to 4294967295.</param>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct IoasidRange(uint Minimum, uint Maximum)
{
    /// <summary>The number of PASIDs that 20 bits can name, 1048576; a count, not an id.</summary>
    /// <remarks>Models <c>PASID_MAX</c>.</remarks>
    public const int PasidLimit = 1 << 20;

    /// <summary>Gets every id there is, 0 to 4294967294.</summary>
    /// <value>The whole id space.</value>
    public static IoasidRange All => new(0, uint.MaxValue - 1);

    /// <summary>Gets every PASID that may name an address space, 1 to 1048575.</summary>
    /// <value>20 bits without 0, which stands for requests without a PASID.</value>
    /// <remarks>Models <c>PASID_MIN</c> to <c>PASID_MAX - 1</c>.</remarks>
    public static IoasidRange Pasids => new(1, PasidLimit - 1);

    /// <summary>Gets a value indicating whether the range holds no id that could be handed out.</summary>
    /// <value><see langword="true"/> if the ends are reversed or the only number is <see cref="Ioasid.Invalid"/>.</value>
    public bool IsEmpty => Minimum > Maximum || Minimum == uint.MaxValue;

    /// <summary>Tells whether an allocation from this range may answer <paramref name="id"/>.</summary>
    /// <param name="id">The id to look for.</param>
    /// <returns><see langword="true"/> if <paramref name="id"/> is valid and lies between both ends.</returns>
    public bool Contains(Ioasid id) => id.IsValid && id.Value >= Minimum && id.Value <= Maximum;

    /// <summary>Formats the range as <c>minimum..maximum</c>.</summary>
    /// <returns>For example <c>1..1048575</c>.</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Minimum}..{Maximum}");
}

using System.Diagnostics;
using System.Globalization;

namespace Pasid;

/// <summary>
/// Represents one I/O address space id: a 32-bit number that names an address space to devices.
/// A PASID is an <see cref="Ioasid"/> of at most 20 bits.
/// </summary>
/// <remarks>
/// <para>Ids run from 0 to 4294967294 (<see cref="MaxValue"/>); 4294967295 is <see cref="Invalid"/> and is never handed out.</para>
/// <para><c>default(Ioasid)</c> is id 0, which is an ordinary id for an allocator. Users of PASIDs keep 0 for
/// requests without a PASID and therefore allocate from 1 (<see cref="IoasidRange.Pasids"/>).</para>
/// <para>Immutable; safe for concurrent use. Models the kernel type <c>ioasid_t</c>.</para>
/// </remarks>
/// <param name="Value">The number, 0 to 4294967295.</param>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct Ioasid(uint Value) : IComparable<Ioasid>, ISpanFormattable
{
    /// <summary>Gets the number that is no id, 4294967295.</summary>
    /// <value>What an allocation that failed stores.</value>
    /// <remarks>Models <c>INVALID_IOASID</c>.</remarks>
    public static Ioasid Invalid => new(uint.MaxValue);

    /// <summary>Gets the highest id there is, 4294967294.</summary>
    /// <value>The last number before <see cref="Invalid"/>.</value>
    public static Ioasid MaxValue => new(uint.MaxValue - 1);

    /// <summary>Gets a value indicating whether this is an id, that is, not <see cref="Invalid"/>.</summary>
    /// <value><see langword="true"/> for 0 to 4294967294. It does not say that the id is allocated.</value>
    public bool IsValid => Value != uint.MaxValue;

    /// <summary>Tells whether <paramref name="left"/> is the lower number.</summary>
    /// <param name="left">The first id.</param>
    /// <param name="right">The second id.</param>
    /// <returns><see langword="true"/> if <paramref name="left"/> is lower than <paramref name="right"/>.</returns>
    public static bool operator <(Ioasid left, Ioasid right) => left.Value < right.Value;

    /// <summary>Tells whether <paramref name="left"/> is the lower number or the same.</summary>
    /// <param name="left">The first id.</param>
    /// <param name="right">The second id.</param>
    /// <returns><see langword="true"/> if <paramref name="left"/> is not higher than <paramref name="right"/>.</returns>
    public static bool operator <=(Ioasid left, Ioasid right) => left.Value <= right.Value;

    /// <summary>Tells whether <paramref name="left"/> is the higher number.</summary>
    /// <param name="left">The first id.</param>
    /// <param name="right">The second id.</param>
    /// <returns><see langword="true"/> if <paramref name="left"/> is higher than <paramref name="right"/>.</returns>
    public static bool operator >(Ioasid left, Ioasid right) => left.Value > right.Value;

    /// <summary>Tells whether <paramref name="left"/> is the higher number or the same.</summary>
    /// <param name="left">The first id.</param>
    /// <param name="right">The second id.</param>
    /// <returns><see langword="true"/> if <paramref name="left"/> is not lower than <paramref name="right"/>.</returns>
    public static bool operator >=(Ioasid left, Ioasid right) => left.Value >= right.Value;

    /// <summary>Compares by number; <see cref="Invalid"/> sorts last.</summary>
    /// <param name="other">The id to compare with.</param>
    /// <returns>A negative number, zero or a positive number, as for <see cref="uint.CompareTo(uint)"/>.</returns>
    public int CompareTo(Ioasid other) => Value.CompareTo(other.Value);

    /// <summary>Formats the number in decimal.</summary>
    /// <returns>The number, culture-independent.</returns>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Formats the number.</summary>
    /// <param name="format">A format of <see cref="uint"/>, for example <c>X5</c>; <see langword="null"/> for decimal.</param>
    /// <param name="formatProvider">The culture; <see langword="null"/> for the invariant one.</param>
    /// <returns>The formatted number.</returns>
    /// <exception cref="FormatException"><paramref name="format"/> is not a format of <see cref="uint"/>.</exception>
    public string ToString(string? format, IFormatProvider? formatProvider) =>
        Value.ToString(format, formatProvider ?? CultureInfo.InvariantCulture);

    /// <summary>Formats the number into <paramref name="destination"/>.</summary>
    /// <param name="destination">Where the characters go.</param>
    /// <param name="charsWritten">How many characters were written.</param>
    /// <param name="format">A format of <see cref="uint"/>; empty for decimal.</param>
    /// <param name="provider">The culture; <see langword="null"/> for the invariant one.</param>
    /// <returns><see langword="true"/> if it fitted; otherwise nothing is written.</returns>
    /// <exception cref="FormatException"><paramref name="format"/> is not a format of <see cref="uint"/>.</exception>
    public bool TryFormat(Span<char> destination, out int charsWritten, ReadOnlySpan<char> format, IFormatProvider? provider) =>
        Value.TryFormat(destination, out charsWritten, format, provider ?? CultureInfo.InvariantCulture);
}

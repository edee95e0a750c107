using System.Globalization;

namespace Pasid;

/// <summary>Represents a region of an address space with one set of rights.</summary>
/// <remarks>Immutable; safe for concurrent use. Models <c>struct vm_area_struct</c>.</remarks>
/// <param name="Start">The first address.</param>
/// <param name="Length">How many bytes; the region ends within 64 bits.</param>
/// <param name="Rights">What may be done: any of <see cref="PageRequestRights.Read"/>, <see cref="PageRequestRights.Write"/> and
/// <see cref="PageRequestRights.Execute"/>.</param>
/// <param name="GrowsDown">Whether an access below it, and above the region before, makes it longer, as a stack.</param>
public readonly record struct AddressRegion(ulong Start, ulong Length, PageRequestRights Rights, bool GrowsDown = false)
{
    /// <summary>Gets the last address.</summary>
    /// <value>Included; without meaning if <see cref="Length"/> is 0.</value>
    public ulong Last => Start + Length - 1;

    /// <summary>Returns the region, for example <c>0x1000..0x1FFF Read, Write</c>.</summary>
    /// <returns>One line; <c>empty at 0x1000</c> if <see cref="Length"/> is 0.</returns>
    public override string ToString() => Length == 0
        ? string.Create(CultureInfo.InvariantCulture, $"empty at 0x{Start:X}")
        : string.Create(CultureInfo.InvariantCulture, $"0x{Start:X}..0x{Last:X} {Rights}");
}

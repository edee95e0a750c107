using System.Globalization;

namespace Pasid.Soak;

/// <summary>How a soak ended.</summary>
/// <param name="Rounds">How often the threads met and everything was checked.</param>
/// <param name="Operations">How many calls were made.</param>
/// <param name="Lookups">How many of them were look-ups that found something, whose owner was checked.</param>
/// <param name="FirstBytes">Managed memory after the first rounds.</param>
/// <param name="LastBytes">Managed memory at the end.</param>
/// <param name="Failure">What was wrong; <see langword="null"/> if nothing was.</param>
public sealed record SoakReport(int Rounds, long Operations, long Lookups, long FirstBytes, long LastBytes, string? Failure)
{
    /// <summary>Returns the figures in words.</summary>
    /// <returns>One line, and the failure.</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Rounds} rounds, {Operations} calls, {Lookups} look-ups with their owners checked, {FirstBytes} bytes at first and {LastBytes} at the end: {Failure ?? "nothing lost"}");
}

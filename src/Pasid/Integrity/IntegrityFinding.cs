namespace Pasid;

/// <summary>Tells of one thing that is not as it has to be, found by a check of integrity.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Invariant">The invariant that is broken; see <see cref="IntegrityInvariant"/>.</param>
/// <param name="Message">What is wrong, with the numbers and names.</param>
/// <param name="Quirk">The quirk that reproduces the defect, or several of which one did; <see cref="KernelQuirks.None"/> if no
/// quirk explains it: then the library, or something that reached into it, is wrong.</param>
public sealed record IntegrityFinding(IntegrityInvariant Invariant, string Message, KernelQuirks Quirk = KernelQuirks.None)
{
    /// <summary>Returns the invariant, the quirk if there is one, and the message.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => Quirk == KernelQuirks.None ? $"{Invariant}: {Message}" : $"{Invariant} ({Quirk}): {Message}";
}

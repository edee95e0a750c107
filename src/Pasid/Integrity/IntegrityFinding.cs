namespace Pasid;

/// <summary>Tells of one thing that is not as it has to be, found by a check of integrity.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public sealed record IntegrityFinding
{
    /// <summary>Makes a finding.</summary>
    /// <param name="invariant">The invariant that is broken.</param>
    /// <param name="message">What is wrong, with the numbers and names.</param>
    /// <param name="quirk">The quirk that reproduces the defect, or several of which one did; <see cref="KernelQuirks.None"/> if no
    /// quirk explains it.</param>
    public IntegrityFinding(IntegrityInvariant invariant, string message, KernelQuirks quirk = KernelQuirks.None)
    {
        Invariant = invariant;
        Message = message;
        Quirk = quirk;
    }

    /// <summary>Gets the invariant that is broken.</summary>
    public IntegrityInvariant Invariant { get; }

    /// <summary>Gets what is wrong, with the numbers and names.</summary>
    public string Message { get; }

    /// <summary>Gets the quirk that reproduces the defect, or several of which one did.</summary>
    /// <value><see cref="KernelQuirks.None"/> if no quirk explains it: then the library, or something that reached into it, is wrong.</value>
    public KernelQuirks Quirk { get; }

    /// <summary>Returns the invariant, the quirk if there is one, and the message.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => Quirk == KernelQuirks.None ? $"{Invariant}: {Message}" : $"{Invariant} ({Quirk}): {Message}";
}

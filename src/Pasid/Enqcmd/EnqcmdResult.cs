namespace Pasid;

/// <summary>Tells how ENQCMD or ENQCMDS ended, and whether the kernel had to help.</summary>
/// <remarks>Immutable; safe for concurrent use. <c>default(EnqcmdResult)</c> is a command that was taken at once.</remarks>
public readonly record struct EnqcmdResult
{
    internal EnqcmdResult(EnqcmdOutcome outcome, bool wasFixedUp = false)
    {
        Outcome = outcome;
        WasFixedUp = wasFixedUp;
    }

    /// <summary>Gets how it ended.</summary>
    public EnqcmdOutcome Outcome { get; }

    /// <summary>Gets a value indicating whether a first #GP made the kernel load the PASID of the process into the register, after which
    /// the instruction was executed again.</summary>
    public bool WasFixedUp { get; }
}

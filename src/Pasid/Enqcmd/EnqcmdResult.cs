namespace Pasid;

/// <summary>Tells how ENQCMD or ENQCMDS ended, and whether the kernel had to help.</summary>
/// <remarks>Immutable; safe for concurrent use. <c>default(EnqcmdResult)</c> is a command that was taken at once.</remarks>
/// <param name="Outcome">How it ended.</param>
/// <param name="WasFixedUp">Whether a first #GP made the kernel load the PASID of the process into the register, after which the
/// instruction was executed again.</param>
public readonly record struct EnqcmdResult(EnqcmdOutcome Outcome, bool WasFixedUp = false);

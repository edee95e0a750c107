namespace Pasid;

/// <summary>Says how ENQCMD or ENQCMDS ended. What is not <see cref="Accepted"/> has reached no device.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum EnqcmdOutcome
{
    /// <summary>The device took the command: ZF is 0.</summary>
    Accepted = 0,

    /// <summary>The device did not take the command, or there is none but only memory that may be written to, and the command is dropped:
    /// ZF is 1, and the program may try again.</summary>
    Retry = 1,

    /// <summary>The CPU does not have the instruction: #UD, the thread gets SIGILL.</summary>
    InvalidOpcode = 2,

    /// <summary>The register holds no valid PASID, reserved bits of the source are set, the destination is not aligned or not
    /// canonical, or the instruction is privileged: #GP, the thread gets SIGSEGV.</summary>
    GeneralProtection = 3,

    /// <summary>The process has neither a portal nor memory that it may write to at the destination: #PF, the thread gets SIGSEGV.</summary>
    PageFault = 4,
}

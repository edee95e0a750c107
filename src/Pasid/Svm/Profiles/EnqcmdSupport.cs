namespace Pasid;

/// <summary>Says what a kernel does for programs that execute ENQCMD. Whether the CPU has the instruction is another matter:
/// <see cref="PasidOptions.CpuHasEnqcmd"/>.</summary>
/// <remarks>Immutable; safe for concurrent use. Models whether <c>X86_FEATURE_ENQCMD</c> and the state <c>XFEATURE_PASID</c> are enabled.</remarks>
public enum EnqcmdSupport
{
    /// <summary>The first #GP of a thread whose process has a PASID loads it into the register. The seed patch, and Linux 5.18 and later.</summary>
    LoadedOnFault = 0,

    /// <summary>No register is ever loaded, so that the ENQCMD of a program is a #GP that its thread does not survive. ENQCMDS, which
    /// needs no register, works wherever the CPU has it. Linux 5.6, and Linux 5.15 to 5.17.</summary>
    Disabled = 1,
}

using System.Diagnostics.CodeAnalysis;

namespace Pasid;

/// <summary>Says what kind of PASID a bind asks for. The values are the kernel's.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
[Flags]
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "The field says SVM flags.")]
public enum SvmBindFlags
{
    /// <summary>The PASID that the address space shares over all its devices.</summary>
    None = 0,

    /// <summary>A PASID of this binding alone. Models <c>SVM_FLAG_PRIVATE_PASID</c>.</summary>
    Private = 1,

    /// <summary>The supervisor's address space in place of a process's. Models <c>SVM_FLAG_SUPERVISOR_MODE</c>.</summary>
    Supervisor = 2,
}

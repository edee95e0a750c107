namespace Pasid;

/// <summary>Says with which privilege a thread executes an instruction.</summary>
/// <remarks>Immutable; safe for concurrent use. Models the current privilege level: 3 and 0.</remarks>
public enum CpuPrivilege
{
    /// <summary>As a program.</summary>
    User = 0,

    /// <summary>As the kernel on behalf of the thread.</summary>
    Supervisor = 1,
}

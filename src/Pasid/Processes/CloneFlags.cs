using System.Diagnostics.CodeAnalysis;

namespace Pasid;

/// <summary>Says what the thread that a clone makes shares with the one that made it.</summary>
/// <remarks>Immutable; safe for concurrent use. The values are the kernel's.</remarks>
[Flags]
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "The field says clone flags.")]
public enum CloneFlags
{
    /// <summary>Nothing: a process with an address space of its own, as <see cref="SvmThread.Fork"/> makes it.</summary>
    None = 0,

    /// <summary>The address space. Alone: a process that shares it with its parent until it executes a program, as of <c>vfork</c> and
    /// <c>posix_spawn</c>. Models <c>CLONE_VM</c>.</summary>
    SharesMemory = 0x100,

    /// <summary>The process: it is one more thread of it. Only together with <see cref="SharesMemory"/>. Models <c>CLONE_THREAD</c>.</summary>
    SharesThreadGroup = 0x10000,
}

using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Represents a thread of a process: it shares the address space with the others, and has an IA32_PASID register of its own,
/// which is empty until its first ENQCMD.
/// </summary>
/// <remarks>
/// <para>Made by <see cref="AddressSpace.CreateThread"/>, <see cref="Clone(string)"/> and <see cref="Fork"/>. It is a user of its address
/// space until it exits, or its process does. A process is the threads that belong together (<c>CLONE_THREAD</c>); several may share one
/// address space.</para>
/// <para>Instructions of one thread are executed one at a time: do not overlap them. The other members are safe for concurrent use.</para>
/// <para>Models <c>struct task_struct</c>, with the PASID state that it keeps in its XSAVE area.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq} of {AddressSpace.Name,nq}, IA32_PASID {Msr}")]
public sealed class SvmThread
{
    private ulong _msr;

    /// <param name="addressSpace">Where it runs.</param>
    /// <param name="name">What it is called.</param>
    /// <param name="msr">Its register.</param>
    /// <param name="threadGroup">Its process; <see langword="null"/> for the one that the address space was made for.</param>
    internal SvmThread(AddressSpace addressSpace, string name, PasidMsr msr = default, object? threadGroup = null)
    {
        AddressSpace = addressSpace;
        ThreadGroup = threadGroup ?? addressSpace;
        _msr = msr.Value;
        Name = name;
    }

    /// <summary>Gets what the thread is called in messages and snapshots.</summary>
    /// <value>Never <see langword="null"/>; need not be unique.</value>
    public string Name { get; }

    /// <summary>Gets the address space that the thread runs in.</summary>
    /// <value>Another one after <see cref="Exec"/>.</value>
    public AddressSpace AddressSpace
    {
        get => Volatile.Read(ref field);
        internal set => Volatile.Write(ref field, value);
    }

    /// <summary>Gets the IA32_PASID register of the thread.</summary>
    /// <value>Not valid in a new thread, and after an exec.</value>
    public PasidMsr Msr => new(Volatile.Read(ref _msr));

    /// <summary>Gets a value indicating whether the thread is over.</summary>
    /// <value><see langword="true"/> from its exit, or that of its process, on.</value>
    public bool HasExited
    {
        get => Volatile.Read(ref field);
        internal set => Volatile.Write(ref field, value);
    }

    /// <summary>Gets or sets its process, which is the same object for all threads of one: the address space that was made for it, where
    /// there is one. Guarded by the gate of the host.</summary>
    internal object ThreadGroup { get; set; }

    /// <summary>Makes another thread of the same process. Its register is empty, whatever this one's holds.</summary>
    /// <param name="name">What to call it.</param>
    /// <returns>The thread.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <exception cref="InvalidOperationException">The thread has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>clone</c> with <c>CLONE_VM</c>.</remarks>
    public SvmThread Clone(string name) => Clone(name, CloneFlags.SharesMemory | CloneFlags.SharesThreadGroup);

    /// <summary>Makes a thread that shares as much as is said. Its register is empty, whatever this one's holds.</summary>
    /// <param name="name">What to call it, and its process if it has one of its own.</param>
    /// <param name="flags"><see cref="CloneFlags.None"/> for what <see cref="Fork"/> makes; <see cref="CloneFlags.SharesMemory"/> for another
    /// process in the same address space; with <see cref="CloneFlags.SharesThreadGroup"/> too for another thread of this process.</param>
    /// <returns>The thread.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair; or <paramref name="flags"/> shares the thread
    /// group and not the memory.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="flags"/> has undefined bits.</exception>
    /// <exception cref="InvalidOperationException">The thread has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <exception cref="PasidException">The fault injector made the copy of the address space fail.</exception>
    /// <remarks>Models <c>copy_process</c>. Portals belong to the address space, and so to all who share it. A snapshot does not tell
    /// processes apart that share one: restored threads of an address space are of one process.</remarks>
    public SvmThread Clone(string name, CloneFlags flags)
    {
        switch (flags)
        {
            case CloneFlags.None:
                return Fork(name);
            case CloneFlags.SharesMemory:
            case CloneFlags.SharesMemory | CloneFlags.SharesThreadGroup:
                return AddressSpace.Processes.CreateThread(AddressSpace, name, this, isOwnProcess: flags == CloneFlags.SharesMemory);
            case CloneFlags.SharesThreadGroup:
                throw new ArgumentException($"Threads of one process share its memory: add {nameof(CloneFlags.SharesMemory)}.", nameof(flags));
            default:
                throw new ArgumentOutOfRangeException(nameof(flags), flags, $"Undefined bits are set: combine members of {nameof(CloneFlags)}.");
        }
    }

    /// <summary>Makes a child process with one thread, whose register is empty.</summary>
    /// <param name="name">What to call the process and its thread.</param>
    /// <returns>The thread; its address space is what <see cref="AddressSpace.Fork"/> makes.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <exception cref="InvalidOperationException">The thread has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <exception cref="PasidException">The fault injector made the copy of the address space fail.</exception>
    /// <remarks>Models <c>fork</c>.</remarks>
    public SvmThread Fork(string name) => AddressSpace.Processes.Fork(AddressSpace, name, this);

    /// <summary>Replaces the program of the process: this thread goes on in a new address space with an empty register, the
    /// others of the process end, and the old address space exits unless another process shares it.</summary>
    /// <param name="name">What to call the new address space.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <exception cref="InvalidOperationException">The thread has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>execve</c>: <c>de_thread</c>, <c>exec_mmap</c>, and the reset of the XSAVE state.</remarks>
    public void Exec(string name)
    {
#pragma warning disable CA2000 // It is this thread's address space from now on.
        AddressSpace.Processes.Exec(AddressSpace, name, this);
#pragma warning restore CA2000
    }

    /// <summary>Ends the thread. With the last thread of all that run in it, the address space exits as of <see cref="AddressSpace.Exit"/>.
    /// A second call does nothing.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    /// <remarks>Models <c>exit</c> of one thread, and <c>exit_mm</c>. A fault handler may call it.</remarks>
    public void Exit() => AddressSpace.Processes.ExitThread(this);

    /// <summary>Ends the process of the thread: all of its threads, and not those of another process that shares its address space. With the
    /// last thread of all that run in it, the address space exits as of <see cref="AddressSpace.Exit"/>. Does nothing if the thread has exited.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    /// <remarks>Models <c>exit_group</c>. O(threads of the address space). A fault handler may call it.</remarks>
    public void ExitGroup() => AddressSpace.Processes.ExitGroup(this);

    /// <summary>Executes ENQCMD: sends 64 bytes to a device, with the PASID from the register.</summary>
    /// <param name="destination">Where the portal is mapped: a multiple of 64, and canonical (<see cref="PasidOptions.AddressWidth"/>).</param>
    /// <param name="source">The 64 bytes; the first four must be 0.</param>
    /// <param name="privilege">Of the code that executes it. Only a program is helped when its register is empty.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="ArgumentException"><paramref name="source"/> is not 64 bytes long.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="privilege"/> is not defined.</exception>
    /// <exception cref="InvalidOperationException">The thread has exited; or the fault handler answered a value that is not defined.</exception>
    /// <exception cref="PasidException">The address space has as many users as can be counted; the status is <see cref="PasidStatus.Overflow"/>.</exception>
    /// <remarks>
    /// <para>Models ENQCMD, and <c>do_general_protection</c> with <c>fixup_pasid_exception</c>: after a #GP of a program whose process has
    /// a PASID while the register is empty, whatever the reason of the #GP, the register is loaded and the instruction executed once
    /// more; the second #GP is real. A kernel with <see cref="EnqcmdSupport.Disabled"/> loads none.</para>
    /// <para>Where no portal is mapped, the <see cref="AddressSpace.FaultHandler"/> is asked for the page, to write to it: if it is there,
    /// it is memory, and the command is dropped.</para>
    /// <para>The address space has a user more until portal or fault handler has answered; if the process leaves meanwhile, it exits
    /// then. What they throw is passed on, unless that exit throws. A snapshot that is taken meanwhile is without that user, unless it is the last.</para>
    /// </remarks>
    public EnqcmdResult Enqcmd(ulong destination, ReadOnlySpan<byte> source, CpuPrivilege privilege = CpuPrivilege.User)
    {
        CheckInstruction(source, privilege);
        return End(AddressSpace.Processes.Cpu.Enqcmd(new Context(this), destination, source, privilege));
    }

    /// <summary>Executes ENQCMDS: sends 64 bytes to a device, with PASID and privilege from the bytes themselves.</summary>
    /// <param name="destination">Where the portal is mapped: a multiple of 64.</param>
    /// <param name="source">The 64 bytes: bits 19..0 the PASID, bits 30..20 zero, bit 31 PRIV.</param>
    /// <param name="privilege">Of the code that executes it; a program gets #GP.</param>
    /// <returns>How it ended.</returns>
    /// <exception cref="ArgumentException"><paramref name="source"/> is not 64 bytes long.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="privilege"/> is not defined.</exception>
    /// <exception cref="InvalidOperationException">The thread has exited; or the fault handler answered a value that is not defined.</exception>
    /// <exception cref="PasidException">The address space has as many users as can be counted; the status is <see cref="PasidStatus.Overflow"/>.</exception>
    /// <remarks>Models ENQCMDS. The register plays no part. The fix-up of a program's #GP does: it cannot tell the instructions apart. For
    /// the rest it is as ENQCMD.</remarks>
    public EnqcmdResult Enqcmds(ulong destination, ReadOnlySpan<byte> source, CpuPrivilege privilege)
    {
        CheckInstruction(source, privilege);
        return End(AddressSpace.Processes.Cpu.Enqcmds(new Context(this), destination, source, privilege));
    }

    /// <summary>Executes MOVDIR64B: writes 64 bytes to a dedicated work queue, which knows the PASID.</summary>
    /// <param name="destination">Where the portal is mapped: a multiple of 64, and canonical (<see cref="PasidOptions.AddressWidth"/>).</param>
    /// <param name="source">The 64 bytes; in the first four the device finds the PASID of its queue, whatever they are.</param>
    /// <returns>How it ended. The program itself is told no more than whether it faulted.</returns>
    /// <exception cref="ArgumentException"><paramref name="source"/> is not 64 bytes long.</exception>
    /// <exception cref="InvalidOperationException">The thread has exited; the fault handler answered a value that is not defined; or the
    /// portal has a PASID of more than 20 bits.</exception>
    /// <exception cref="PasidException">The address space has as many users as can be counted; the status is <see cref="PasidStatus.Overflow"/>.</exception>
    /// <remarks>Models MOVDIR64B, which every CPU here has. The register plays no part; after a #GP the kernel loads it
    /// all the same, because it cannot tell the instructions apart. Users and fault handler are as with ENQCMD. <see cref="SvmStatistics"/>
    /// counts no more of it than that a register was loaded.</remarks>
    public DirectStoreOutcome Movdir64B(ulong destination, ReadOnlySpan<byte> source)
    {
        EnqcmdCommand.CheckLength(source);
        ThrowIfExited();
        DirectStoreOutcome outcome = AddressSpace.Processes.Cpu.Movdir64B(new Context(this), destination, source, out bool isFixedUp);
        NoteFixup(isFixedUp);
        if (outcome == DirectStoreOutcome.PageFault)
        {
            ThrowIfExited();
        }

        return outcome;
    }

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;

    internal void Load(PasidMsr msr) => Volatile.Write(ref _msr, msr.Value);

    internal void ThrowIfExited()
    {
        if (HasExited)
        {
            throw new InvalidOperationException($"The thread '{this}' has exited: use one that runs.");
        }
    }

    private EnqcmdResult End(EnqcmdResult result)
    {
        if (result.Outcome > EnqcmdOutcome.Retry)
        {
            // The process may have exited between the check and here, and have taken its PASID and portals along: a fault for
            // that reason is one that no thread lives to see.
            ThrowIfExited();
        }

        ProcessTable processes = AddressSpace.Processes;
        processes.Cpu.Count(result);
        NoteFixup(result.WasFixedUp);
        if (result.Outcome > EnqcmdOutcome.Retry)
        {
            processes.Gate.Logger?.InstructionFaulted(this, result.Outcome);
        }

        return result;
    }

    private void NoteFixup(bool isFixedUp)
    {
        if (isFixedUp)
        {
            AddressSpace.Processes.Gate.Logger?.PasidLoaded(this, Msr.Pasid);
        }
    }

    private void CheckInstruction(ReadOnlySpan<byte> source, CpuPrivilege privilege)
    {
        EnqcmdCommand.CheckLength(source);
        if (privilege is not (CpuPrivilege.User or CpuPrivilege.Supervisor))
        {
            throw new ArgumentOutOfRangeException(nameof(privilege), privilege, $"Give a value of {nameof(CpuPrivilege)}.");
        }

        ThrowIfExited();
    }

    /// <summary>What an instruction sees of the thread. A struct, so that it is called without an interface's detour.</summary>
    private readonly struct Context(SvmThread thread) : IEnqcmdContext
    {
        public PasidMsr Msr => thread.Msr;

        public Ioasid Pasid => thread.AddressSpace.Pasid;

        public IPortalOwner Owner => thread.AddressSpace;

        public void Load(PasidMsr msr) => thread.Load(msr);
    }
}

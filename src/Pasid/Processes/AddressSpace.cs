using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Represents the address space of a process, which remembers the PASID that devices know it by.
/// </summary>
/// <remarks>
/// <para>Made by <see cref="ISvmBinder.CreateAddressSpace"/>, with a process that has one thread, which need not be named; only that binder
/// can bind it. Its users are the threads that run in it, and whoever calls <see cref="TryAddUser"/>: the first thread that is made takes
/// over the user that stood for the process. When the last has left, it exits. Each binding
/// pins it, and so does <see cref="AddPin"/>: it is destroyed, and its PASID freed, when it has exited and nothing pins it any more,
/// that is, in the exit itself or when the last pin goes.</para>
/// <para>One that is dropped without <see cref="Exit"/> is not lost while it has a PASID or a binding: the binder keeps
/// it, with both, until it is disposed, and shows its bindings in <see cref="ISvmBinder.GetBindings"/>. One without
/// either is just collected.</para>
/// <para>All members are safe for concurrent use. Models <c>struct mm_struct</c>.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq}, PASID {Pasid}")]
public sealed class AddressSpace : IDisposable, IPortalOwner
{
    /// <summary>The head of what has registered with it.</summary>
    internal Notifier? NewestNotifier;

    internal UserCount UserCount = new();

    private PortalMap? _portals;
    private volatile uint _pasid = Ioasid.Invalid.Value;
    private int _leakedUsers;

    /// <summary>How many instructions are under way that have a user each; guarded by the gate for mappings.</summary>
    private int _instructions;

    internal AddressSpace(ProcessTable processes, string name)
    {
        Processes = processes;
        Name = name;
    }

    /// <summary>Gets what the address space is called in messages and events.</summary>
    /// <value>Never <see langword="null"/>; need not be unique.</value>
    public string Name { get; }

    /// <summary>Gets the PASID that the address space remembers.</summary>
    /// <value><see cref="Ioasid.Invalid"/> if there is none: before the first bind, after destruction, and always if the
    /// profile's lifetime is <see cref="PasidLifetime.Binding"/>. Private PASIDs are not remembered.</value>
    /// <remarks>Models <c>mm->context.pasid</c>, where 0 means none.</remarks>
    public Ioasid Pasid
    {
        get => new(_pasid);
        internal set => _pasid = value.Value;
    }

    /// <summary>Gets how many users the address space has.</summary>
    /// <value>Its threads, or the process as long as it has not named one, those who came by <see cref="TryAddUser"/>, and each ENQCMD, ENQCMDS, MOVDIR64B and answer to a page
    /// request that is under way; 0 once it has exited.</value>
    /// <remarks>Models <c>mm_users</c>.</remarks>
    public long Users => UserCount.All;

    /// <summary>Gets how many pins keep the address space from being destroyed.</summary>
    /// <value>One for each binding, and those that <see cref="AddPin"/> added.</value>
    /// <remarks>Models <c>mm_count</c>, without the one that all users hold together. O(bindings).</remarks>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    public long Pins => Processes.CountPins(this);

    /// <summary>Gets a value indicating whether the last user has left.</summary>
    /// <value>No bind succeeds from then on, nor before, once its processes have left.</value>
    /// <remarks>Models <c>mm_users</c> being 0.</remarks>
    public bool HasExited => UserCount.IsZero;

    /// <summary>Gets a value indicating whether the address space is gone: it has exited and nothing pins it.</summary>
    /// <value>Once <see langword="true"/>, its PASID has been freed.</value>
    /// <remarks>Models <c>__mmdrop</c>.</remarks>
    public bool IsDestroyed
    {
        get => Volatile.Read(ref field);
        internal set => Volatile.Write(ref field, value);
    }

    /// <summary>Gets or sets who answers the page requests of devices for this address space.</summary>
    /// <value>By default <see langword="null"/>: nothing is mapped, and every request is answered
    /// <see cref="PageResponseCode.InvalidRequest"/>. <see cref="AddressRegionMap"/> is a simple one, and tells the
    /// address space what it unmaps.</value>
    /// <remarks>Models what <c>find_extend_vma</c> and <c>handle_mm_fault</c> find.</remarks>
    public IAddressSpaceFaultHandler? FaultHandler
    {
        get => Volatile.Read(ref field);
        set
        {
            // It knows its address spaces from before it is asked, so that no range that it unmaps is missed.
            (value as AddressRegionMap)?.Serve(this);
            Volatile.Write(ref field, value);
        }
    }

    /// <summary>Gets or sets a value indicating whether a core dump of the address space is being written, during which no region grows.</summary>
    /// <value>By default <see langword="false"/>. No part of snapshots, as the fault handler is none.</value>
    /// <remarks>Models <c>mm->core_state</c>, and <c>mmget_still_valid</c>.</remarks>
    public bool IsDumpingCore
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Gets the portals that the process has mapped.</summary>
    /// <value>Empty at first, in a forked child and after the exit.</value>
    public PortalMap Portals => Volatile.Read(ref _portals) ?? Interlocked.CompareExchange(ref _portals, new PortalMap(this), null) ?? _portals;

    internal ProcessTable Processes { get; }

    Cpu IPortalOwner.Cpu => Processes.Cpu;

    /// <summary>Gets how many users page requests left behind (<see cref="KernelQuirks.NonCanonicalFaultLeaksUser"/>) that are there still:
    /// somebody who knows of the quirk may have dropped some.</summary>
    internal int LeakedUsers => Math.Min(Volatile.Read(ref _leakedUsers), ExtraUsers);

    /// <summary>Gets how many users came without the gate and stay longer than an instruction. Without the last user of all it would have
    /// exited, which it has not yet: that one counts, whatever it is.</summary>
    internal int ExtraUsers
    {
        get
        {
            int extra = UserCount.Extra;
            int others = Math.Max(extra - Volatile.Read(ref _instructions), 0);
            return others == 0 && extra != 0 && HasLeft ? 1 : others;
        }
    }

    /// <summary>Gets how often the address space was brought into another state: the users that instructions were before are gone.</summary>
    internal int Life { get; private set; }

    /// <summary>Gets how many users are threads, or stand for the process that has not named any.</summary>
    internal int OwnUsers => HasLeft ? 0 : Math.Max(1, Threads?.Count ?? 0);

    /// <summary>Gets or sets a value indicating whether its processes have left; guarded by the gate of the host, as is all that
    /// follows.</summary>
    internal bool HasLeft { get; set; }

    /// <summary>Gets or sets how many pins <see cref="AddPin"/> added.</summary>
    internal int ExtraPins { get; set; }

    /// <summary>Gets or sets the threads that run; <see langword="null"/> until there is one.</summary>
    internal List<SvmThread>? Threads { get; set; }

    /// <summary>Gets or sets the binding that its devices share.</summary>
    internal Notifier? Shared { get; set; }

    /// <summary>Gets or sets what was its shared binding, to be used again by the next bind.</summary>
    internal Notifier? Spare { get; set; }

    /// <summary>Gets a value indicating whether something keeps it from being destroyed once it has exited.</summary>
    internal bool IsPinned => NewestNotifier is not null || ExtraPins != 0;

    /// <summary>Gets or sets a value indicating whether the host keeps it; see <see cref="ProcessTable.UpdateKept"/>.</summary>
    internal bool IsKept { get; set; }

    internal AddressSpace? KeptBefore { get; set; }

    internal AddressSpace? KeptAfter { get; set; }

    internal void CountLeakedUser() => Interlocked.Increment(ref _leakedUsers);

    internal void SetLife(bool hasLeft, int extraUsers, int leakedUsers, int extraPins, List<SvmThread>? threads)
    {
        HasLeft = hasLeft;
        ExtraPins = extraPins;
        Threads = threads;
        _instructions = 0;
        Life++;
        Volatile.Write(ref _leakedUsers, leakedUsers);
        UserCount.Set(OwnUsers, extraUsers);
    }

    bool IPortalOwner.TryBeginInstruction(out int life)
    {
        life = Life;
        bool isAdded = UserCount.TryAdd(this);
        _instructions += isAdded ? 1 : 0;
        return isAdded;
    }

    void IPortalOwner.EndInstruction(int life)
    {
        if (!TryDropInstruction(life, isLastToo: false))
        {
            Processes.EndInstruction(this, life);
        }
    }

    bool IPortalOwner.TryWrite(ulong address) => FaultHandler is { } handler && Handle(handler, address) == FaultOutcome.Handled;

    /// <summary>Takes the user away that an instruction is; the last of all only inside the gate, if <paramref name="isLastToo"/>.</summary>
    internal bool TryDropInstruction(int life, bool isLastToo)
    {
        ref Gate gate = ref Processes.Cpu.MappingGate;
        gate.Enter();
        try
        {
            if (life != Life)
            {
                return true;
            }

            bool isDropped = UserCount.TryDrop(this, isLastToo);
            _instructions -= isDropped ? 1 : 0;
            return isDropped;
        }
        finally
        {
            gate.Leave();
        }
    }

    private FaultOutcome Handle(IAddressSpaceFaultHandler handler, ulong address)
    {
        FaultOutcome outcome = handler.Handle(this, address, PageRequestRights.Write);
        return outcome is >= FaultOutcome.Handled and <= FaultOutcome.Failed
            ? outcome
            : throw new InvalidOperationException($"The fault handler of the address space '{this}' answered {(int)outcome}: answer a value of {nameof(FaultOutcome)}.");
    }

    /// <summary>Puts portals in the place of those that are mapped; the gate for mappings is entered.</summary>
    internal void ReplacePortalsUnsynchronized(ConcurrentDictionary<ulong, IEnqcmdPortal>? portals)
    {
        if (portals is not null || Volatile.Read(ref _portals) is not null)
        {
            Portals.ReplaceUnsynchronized(portals ?? new(), portals?.Count ?? 0);
        }
    }

    /// <summary>Copies the portals that are mapped, lowest first; the gate for mappings is entered.</summary>
    internal KeyValuePair<ulong, IEnqcmdPortal>[] CopyPortalsUnsynchronized() => Volatile.Read(ref _portals)?.CopyUnsynchronized() ?? [];

    /// <summary>
    /// Lets the process leave, and with it those that share the address space: their threads end. If nobody else uses the address space, it exits: the PASID entries of all bound
    /// devices are torn down and flushed, the binding that registered last first, its newest device first. Bindings stay until
    /// they are unbound.
    /// </summary>
    /// <remarks>
    /// A second call does nothing. A fault handler may call it. Models <c>exit_group</c> and <c>__mmput</c>, which runs <c>intel_mm_release</c> of each
    /// registered binding, and <c>__mmdrop</c> if nothing pins it. O(threads and bound devices).
    /// </remarks>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    public void Exit() => Processes.Exit(this);

    /// <summary>Becomes a user, unless the last has left: the address space cannot exit until <see cref="DropUser"/>.</summary>
    /// <returns><see langword="false"/> if it has exited.</returns>
    /// <exception cref="PasidException">2147483647 came that have not left; the status is <see cref="PasidStatus.Overflow"/>.</exception>
    /// <remarks>Takes no lock, but waits for a capture or restore that is under way. Models <c>mmget_not_zero</c>.</remarks>
    public bool TryAddUser() => UserCount.TryAdd(this);

    /// <summary>Stops being a user; the last one to leave makes the address space exit.</summary>
    /// <exception cref="InvalidOperationException">Nobody came by <see cref="TryAddUser"/> who has not left; or the last user leaves from
    /// inside a callback of the binder.</exception>
    /// <remarks>Takes no lock unless it is the last, but waits for a capture or restore that is under way. Models <c>mmput</c>.</remarks>
    public void DropUser() => Processes.DropUser(this);

    /// <summary>Keeps the address space from being destroyed, though not from exiting, until <see cref="DropPin"/>.</summary>
    /// <exception cref="InvalidOperationException">It is destroyed, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="PasidException">It has 2147483647 of these pins; the status is <see cref="PasidStatus.Overflow"/>.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>mmgrab</c>, as a CPU does that still has the page tables of a process that has exited.</remarks>
    public void AddPin() => Processes.AddPin(this);

    /// <summary>Takes a pin away; the last one of an address space that has exited destroys it and frees its PASID.</summary>
    /// <exception cref="InvalidOperationException">No pin is left that <see cref="AddPin"/> added, or the call comes from inside a callback
    /// of the binder.</exception>
    /// <remarks>Models <c>mmdrop</c>.</remarks>
    public void DropPin() => Processes.DropPin(this);

    /// <summary>Makes a thread of the process, with an empty IA32_PASID register.</summary>
    /// <param name="name">What to call it.</param>
    /// <returns>The thread. The first one is the thread that the process began with, whose user it takes over; each further one is a user
    /// more.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <exception cref="InvalidOperationException">The process has left, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>clone</c> with <c>CLONE_VM</c>.</remarks>
    public SvmThread CreateThread(string name) => Processes.CreateThread(this, name);

    /// <summary>Pictures the threads that run.</summary>
    /// <returns>The threads, the one made first first; a picture that no later call changes.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    /// <remarks>O(threads).</remarks>
    public IReadOnlyList<SvmThread> GetThreads() => Processes.GetThreads(this);

    /// <summary>Makes the address space of a forked child: it is bound to nothing.</summary>
    /// <param name="name">What to call the child.</param>
    /// <returns>The child, which has no PASID; under <see cref="KernelQuirks.ForkCopiesPasid"/> it has its parent's number.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <exception cref="InvalidOperationException">It has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <exception cref="PasidException">The fault injector made the copy fail (<see cref="SvmFaultPoint.AddressSpaceCopy"/>); under
    /// <see cref="KernelQuirks.ForkCopiesPasid"/> the half-made child has then freed its parent's PASID.</exception>
    /// <remarks>Models <c>dup_mm</c>.</remarks>
    public AddressSpace Fork(string name) => Processes.Fork(this, name).AddressSpace;

    /// <summary>Makes the address space of the program that replaces this one, and exits.</summary>
    /// <param name="name">What to call the new address space.</param>
    /// <returns>The new address space, which has no PASID and is bound to nothing.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <exception cref="InvalidOperationException">It has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>exec_mmap</c>.</remarks>
    public AddressSpace Exec(string name) => Processes.Exec(this, name);

    /// <summary>Tells that a range of addresses is no longer mapped: each bound device has it invalidated
    /// (<see cref="IIommu.InvalidateRange"/>), those of the binding that registered last first, its newest device first.</summary>
    /// <param name="first">The first address.</param>
    /// <param name="last">The last address, included.</param>
    /// <exception cref="ArgumentException"><paramref name="last"/> is below <paramref name="first"/>.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    /// <remarks>For fault handlers of one's own; an <see cref="AddressRegionMap"/> calls it by itself. Does nothing once the address space has
    /// exited. A fault handler may call it. Models <c>mmu_notifier_invalidate_range</c>. O(bound devices).</remarks>
    public void NotifyUnmapped(ulong first, ulong last)
    {
        if (last < first)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"The range 0x{first:X}..0x{last:X} ends before it begins: give its last address."), nameof(last));
        }

        Processes.NotifyUnmapped(this, first, last);
    }

    /// <summary>Does what <see cref="Exit"/> does.</summary>
    public void Dispose() => Exit();

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;
}

using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Represents the address space of a process, which remembers the PASID that devices know it by.
/// </summary>
/// <remarks>
/// <para>Made by <see cref="ISvmBinder.CreateAddressSpace"/>; only that binder can bind it. It has one user until
/// <see cref="Exit"/>, and each binding pins it: it is destroyed, and its PASID freed, when it has exited and nothing
/// pins it any more, that is, in the exit itself or in the last unbind.</para>
/// <para>One that is dropped without <see cref="Exit"/> is not lost while it has a PASID or a binding: the binder keeps
/// it, with both, until it is disposed, and shows its bindings in <see cref="ISvmBinder.GetBindings"/>. One without
/// either is just collected.</para>
/// <para>All members are safe for concurrent use. Models <c>struct mm_struct</c>.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq}, PASID {Pasid}")]
public sealed class AddressSpace : IDisposable
{
    private readonly SvmBinder _binder;
    private SvmRecord? _newestRegistered;
    private volatile uint _pasid = Ioasid.Invalid.Value;
    private volatile bool _hasExited;
    private volatile bool _isDestroyed;

    internal AddressSpace(SvmBinder binder, string name)
    {
        _binder = binder;
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

    /// <summary>Gets a value indicating whether the last user has left.</summary>
    /// <value><see langword="true"/> from <see cref="Exit"/> on; no bind succeeds any more.</value>
    /// <remarks>Models <c>mm_users</c> being 0.</remarks>
    public bool HasExited
    {
        get => _hasExited;
        internal set => _hasExited = value;
    }

    /// <summary>Gets a value indicating whether the address space is gone: it has exited and nothing pins it.</summary>
    /// <value>Once <see langword="true"/>, its PASID has been freed.</value>
    /// <remarks>Models <c>__mmdrop</c>.</remarks>
    public bool IsDestroyed
    {
        get => _isDestroyed;
        internal set => _isDestroyed = value;
    }

    /// <summary>Gets the binder that made it.</summary>
    internal SvmBinder Binder => _binder;

    /// <summary>Gets or sets the binding that its devices share; guarded by the binder's gate.</summary>
    internal SvmRecord? SharedRecord { get; set; }

    /// <summary>Gets or sets the record of the shared binding while it is not bound, to be used by the next bind; guarded by
    /// the binder's gate.</summary>
    internal SvmRecord? SpareRecord { get; set; }

    /// <summary>Gets the head of its registered bindings, each of which pins it; guarded by the binder's gate.</summary>
    internal ref SvmRecord? NewestRegistered => ref _newestRegistered;

    /// <summary>Gets or sets a value indicating whether the binder keeps it; guarded by the binder's gate, as are the links.</summary>
    internal bool IsKept { get; set; }

    internal AddressSpace? KeptBefore { get; set; }

    internal AddressSpace? KeptAfter { get; set; }

    /// <summary>
    /// Lets the last user leave: the PASID entries of all bound devices are torn down and flushed, the binding that
    /// registered last first, its newest device first. Bindings stay until they are unbound.
    /// </summary>
    /// <remarks>
    /// A second call does nothing. Models <c>__mmput</c>, which runs <c>intel_mm_release</c> of each registered binding,
    /// and <c>__mmdrop</c> if nothing is registered. O(bound devices).
    /// </remarks>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder.</exception>
    public void Exit() => _binder.Exit(this);

    /// <summary>Makes the address space of a forked child: it is bound to nothing.</summary>
    /// <param name="name">What to call the child.</param>
    /// <returns>The child, which has no PASID; under <see cref="KernelQuirks.ForkCopiesPasid"/> it has its parent's number.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">It has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>dup_mm</c>.</remarks>
    public AddressSpace Fork(string name) => _binder.Fork(this, name);

    /// <summary>Makes the address space of the program that replaces this one, and exits.</summary>
    /// <param name="name">What to call the new address space.</param>
    /// <returns>The new address space, which has no PASID and is bound to nothing.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">It has exited, or the call comes from inside a callback of the binder.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>exec_mmap</c>.</remarks>
    public AddressSpace Exec(string name) => _binder.Exec(this, name);

    /// <summary>Does what <see cref="Exit"/> does.</summary>
    public void Dispose() => Exit();

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;
}

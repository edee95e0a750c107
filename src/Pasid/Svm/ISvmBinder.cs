namespace Pasid;

/// <summary>
/// Binds address spaces to devices: gives each its PASID, programs the PASID entries, and takes both back.
/// </summary>
/// <remarks>
/// <para>All members are safe for concurrent use and take effect atomically. None may be called from inside a callback
/// of the binder (an <see cref="IIommu"/>, <see cref="ISvmObserver"/> or <see cref="ISvmFaultInjector"/>), except
/// <see cref="Lookup"/> and <see cref="IsPasidValid"/>; such a call throws <see cref="InvalidOperationException"/>.</para>
/// <para>Models <c>drivers/iommu/intel-svm.c</c>.</para>
/// </remarks>
public interface ISvmBinder : IDisposable
{
    /// <summary>Gets the kernel that is modelled.</summary>
    /// <value>Never <see langword="null"/>; does not change.</value>
    KernelProfile Profile { get; }

    /// <summary>Makes an address space with one user and no PASID.</summary>
    /// <param name="name">What to call it in messages and events.</param>
    /// <returns>The address space; only this binder can bind it.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>mm_init</c>.</remarks>
    AddressSpace CreateAddressSpace(string name);

    /// <summary>Binds an address space to a device, or throws; the everyday form of <see cref="BindMm"/>.</summary>
    /// <param name="device">The device.</param>
    /// <param name="addressSpace">The address space; not looked at, and may be <see langword="null"/>, in a supervisor bind.</param>
    /// <param name="flags">What kind of PASID.</param>
    /// <param name="callbacks">The driver's callback table, or <see langword="null"/>; compared by identity.</param>
    /// <returns>The bind; disposing it undoes it.</returns>
    /// <exception cref="PasidException">Nothing was bound; the status says why, also where a quirk makes
    /// <see cref="BindMm"/> report a success.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="device"/> is <see langword="null"/>, or
    /// <paramref name="addressSpace"/> is and the bind is not a supervisor bind.</exception>
    /// <exception cref="ArgumentException"><paramref name="addressSpace"/> belongs to another binder.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="flags"/> has undefined bits.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a callback, or a callback answered no defined status.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>intel_svm_bind_mm</c> on behalf of a process.</remarks>
    /// <example>
    /// <code>
    /// using AddressSpace process = binder.CreateAddressSpace("solver");
    /// using SvmBinding binding = binder.Bind(gpu, process);
    /// device.Submit(work, binding.Pasid);
    /// </code>
    /// </example>
    SvmBinding Bind(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags = SvmBindFlags.None, ISvmDeviceCallbacks? callbacks = null);

    /// <summary>
    /// Binds an address space to a device. The first bind gives the address space its PASID, later ones on other devices
    /// share it; a repeated bind of the same device is counted and needs as many unbinds.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="addressSpace">The address space; not looked at, and may be <see langword="null"/>, in a supervisor bind.</param>
    /// <param name="flags">What kind of PASID.</param>
    /// <param name="callbacks">The driver's callback table, or <see langword="null"/>; compared by identity.</param>
    /// <param name="pasid">The PASID; <see cref="Ioasid.Invalid"/> if none was stored.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: bound; under two quirks (<see cref="KernelQuirks.ExhaustionReportsSuccess"/>,
    /// <see cref="KernelQuirks.UnsupportedDeviceReportsSuccess"/>) also when nothing was bound and no PASID stored.
    /// <see cref="PasidStatus.InvalidArgument"/>: the device is behind no IOMMU, DMA remapping is off, the PCI layer cannot
    /// say the device's width, the IOMMU does not support a supervisor bind, or the process of the address space has left.
    /// <see cref="PasidStatus.NotSupported"/>: the IOMMU is not capable of SVM.
    /// <see cref="PasidStatus.NoSpace"/>: the PASID of the address space is too wide for the device, or no PASID is free.
    /// <see cref="PasidStatus.Busy"/>: the device is bound to this PASID with other callbacks.
    /// <see cref="PasidStatus.Overflow"/>: the device is bound as often as can be counted.
    /// <see cref="PasidStatus.OperationNotSupported"/>: the device does not support PASIDs.
    /// <see cref="PasidStatus.NotFound"/>: the remembered PASID was freed behind the binder's back.
    /// Any other: what the IOMMU or the fault injector answered.
    /// Whatever is not a success has changed nothing.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="device"/> is <see langword="null"/>, or
    /// <paramref name="addressSpace"/> is and the bind is not a supervisor bind.</exception>
    /// <exception cref="ArgumentException"><paramref name="addressSpace"/> belongs to another binder.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="flags"/> has undefined bits.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a callback, or a callback answered no defined status.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>intel_svm_bind_mm</c> on behalf of a process. The cost depends on the number of devices that the
    /// address space is bound to, and on nothing else.</remarks>
    PasidStatus BindMm(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks, out Ioasid pasid);

    /// <summary>Enables PASIDs on a device without binding anything: a bind that wants no PASID.</summary>
    /// <param name="device">The device.</param>
    /// <param name="flags">Checked as in a bind: a supervisor bind needs an IOMMU that supports it.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>, or what <see cref="BindMm"/> answers for the same device up to the enabling.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="device"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="flags"/> has undefined bits.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a callback, or a callback answered no defined status.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>Models <c>intel_svm_bind_mm</c> with a <see langword="null"/> PASID pointer.</remarks>
    PasidStatus EnablePasid(SvmDevice device, SvmBindFlags flags = SvmBindFlags.None);

    /// <summary>
    /// Undoes one bind of a device to a PASID. The last one clears the PASID entry, has the page requests answered that wait in
    /// queues, and flushes; the last device of a PASID releases it as the profile says.
    /// </summary>
    /// <param name="device">The device.</param>
    /// <param name="pasid">The PASID; any number.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: one bind less.
    /// <see cref="PasidStatus.NotFound"/>: the PASID is not allocated.
    /// <see cref="PasidStatus.InvalidArgument"/>: the device is behind no IOMMU, or not bound to the PASID, or nothing is.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="device"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a callback.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>
    /// <para>The page requests are those with the PASID that were in the queues when the entry was torn down, and those before them. Where
    /// another thread is answering, the call waits for those that have the PASID. Meanwhile the gate is left: the device is bound until the end, a bind or unbind of it waits, and other
    /// calls go on. What handlers throw is passed on when the unbind is done.</para>
    /// <para>Models <c>intel_svm_unbind_mm</c>; with the drain, which <see cref="KernelQuirks.UnbindSkipsDrain"/> leaves out, that of
    /// Linux 5.8.</para>
    /// </remarks>
    PasidStatus UnbindMm(SvmDevice device, Ioasid pasid);

    /// <summary>Tells whether a PASID still translates: the supervisor's does always, a process's until it exits.</summary>
    /// <param name="device">A device; it need not be bound to the PASID.</param>
    /// <param name="pasid">The PASID; any number.</param>
    /// <param name="isValid"><see langword="true"/> if the PASID is bound and its address space has a user (kernel value 1);
    /// <see langword="false"/> after its exit (0), and whenever the answer is not a success.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: see <paramref name="isValid"/>.
    /// <see cref="PasidStatus.NotFound"/>: the PASID is not allocated.
    /// <see cref="PasidStatus.InvalidArgument"/>: the device is behind no IOMMU, or nothing is bound to the PASID.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="device"/> is <see langword="null"/>.</exception>
    /// <remarks>Models <c>intel_svm_is_pasid_valid</c>. Takes no lock.</remarks>
    PasidStatus IsPasidValid(SvmDevice device, Ioasid pasid, out bool isValid);

    /// <summary>Finds the address space that a PASID names: what the IOMMU does with the PASID of a request.</summary>
    /// <param name="pasid">The PASID; any number.</param>
    /// <param name="addressSpace">The address space; <see langword="null"/> for the supervisor's own, and whenever the answer
    /// is not a success. It may have exited.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: bound.
    /// <see cref="PasidStatus.NotFound"/>: the PASID is not allocated.
    /// <see cref="PasidStatus.InvalidArgument"/>: it is allocated, but this binder has bound nothing to it.
    /// </returns>
    /// <remarks>Models the look-up at the begin of <c>prq_event_thread</c>. Takes no lock.</remarks>
    PasidStatus Lookup(Ioasid pasid, out AddressSpace? addressSpace);

    /// <summary>Takes a picture of all bindings.</summary>
    /// <returns>The bindings, oldest first; a copy that no later call changes.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a callback.</exception>
    /// <remarks>Models <c>global_svm_list</c>. O(n log n) in the number of bindings.</remarks>
    IReadOnlyList<SvmBindingInfo> GetBindings();

    /// <summary>Takes a picture of the PASIDs that the kernel would have lost for good.</summary>
    /// <returns>The PASIDs that a quirk kept this binder from freeing, in the order of their loss.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a callback.</exception>
    /// <remarks>Empty without <see cref="KernelQuirks.PrivateAndSupervisorPasidsLeak"/> and
    /// <see cref="KernelQuirks.FreeNeedsEnqcmd"/>. Disposal frees them all the same.</remarks>
    IReadOnlyList<Ioasid> GetLeakedPasids();

    /// <summary>Gets what the binder has done so far, and what it holds.</summary>
    /// <returns>A picture that no later call changes; it can still be had once the binder is disposed.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a callback.</exception>
    SvmStatistics GetStatistics();
}

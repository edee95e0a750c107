namespace Pasid;

/// <summary>
/// The hardware side of a bind: an IOMMU that is told to enable PASIDs on a device, to set PASID entries up, to tear
/// them down and to flush what was cached of them.
/// </summary>
/// <remarks>
/// <para>A binder calls its IOMMUs one call at a time, in the kernel's order, with its gate held. An implementation must
/// not call that binder, nor exit one of its address spaces: such a call throws <see cref="InvalidOperationException"/>.
/// Binders do not know of each other: an IOMMU that serves several of them must itself be safe for concurrent use.</para>
/// <para>What a member throws is passed on to the caller of the binder; each member says what becomes of the operation.</para>
/// <para>Models what <c>struct intel_iommu</c> can do, and <c>drivers/iommu/intel-pasid.c</c>.</para>
/// </remarks>
public interface IIommu
{
    /// <summary>Gets what the IOMMU is called in messages and events.</summary>
    /// <value>Never <see langword="null"/>.</value>
    string Name { get; }

    /// <summary>Gets a value indicating whether processes can be bound at all.</summary>
    /// <value><see langword="false"/> makes each bind answer <see cref="PasidStatus.NotSupported"/>.</value>
    bool IsSvmCapable { get; }

    /// <summary>Gets a value indicating whether supervisor requests are supported.</summary>
    /// <value><see langword="false"/> makes each supervisor bind answer <see cref="PasidStatus.InvalidArgument"/>.</value>
    bool SupportsSupervisor { get; }

    /// <summary>Enables PASIDs on a device; called by each bind that adds a device, and by enable-only calls.</summary>
    /// <param name="device">The device.</param>
    /// <returns><see cref="PasidStatus.Success"/>, or why not, for example <see cref="PasidStatus.OutOfMemory"/>; the bind then answers the same and has
    /// changed nothing.</returns>
    /// <remarks>Models <c>intel_iommu_enable_pasid</c>. It is not undone when a later step of the bind fails.</remarks>
    PasidStatus EnablePasid(SvmDevice device);

    /// <summary>Programs the PASID entry of a device, so that its requests with the PASID reach the address space.</summary>
    /// <param name="device">The device.</param>
    /// <param name="pasid">The PASID.</param>
    /// <param name="addressSpace">The address space; <see langword="null"/> for the supervisor's own.</param>
    /// <returns><see cref="PasidStatus.Success"/>, or why not, for example <see cref="PasidStatus.OutOfMemory"/>; the bind is then undone and answers
    /// the same.</returns>
    /// <remarks>Models <c>intel_pasid_setup_first_level</c>. If it throws, the bind is undone.</remarks>
    PasidStatus SetUpPasidEntry(SvmDevice device, Ioasid pasid, AddressSpace? addressSpace);

    /// <summary>Clears the PASID entry of a device: at the last unbind, at exit, and once more at an unbind after exit.</summary>
    /// <param name="device">The device.</param>
    /// <param name="pasid">The PASID.</param>
    /// <remarks>
    /// Models <c>intel_pasid_tear_down_entry</c>. If it throws in an unbind, the device stays bound; if it throws in an
    /// exit or a disposal, these are completed first.
    /// </remarks>
    void TearDownPasidEntry(SvmDevice device, Ioasid pasid);

    /// <summary>Makes the PASID entry of a device not present, and leaves the rest of it; a flush and the tear-down follow. By default nothing.</summary>
    /// <param name="device">The device.</param>
    /// <param name="pasid">The PASID.</param>
    /// <remarks>Called under profiles with <see cref="KernelProfile.ClearsPresentFirst"/> alone. If it throws in an unbind, the device stays
    /// bound; if it throws in an exit or a disposal, these are completed first. Models <c>pasid_clear_present</c>.</remarks>
    void ClearPresent(SvmDevice device, Ioasid pasid)
    {
    }

    /// <summary>Clears the PASID entry of a device whose process has exited, and has the IOMMU ignore further faults of it until
    /// <see cref="TearDownPasidEntry(SvmDevice, Ioasid)"/> at the unbind. By default does what that does.</summary>
    /// <param name="device">The device.</param>
    /// <param name="pasid">The PASID.</param>
    /// <param name="ignoresFaults">Always <see langword="true"/>: without it, the other overload is called.</param>
    /// <remarks>Called under profiles whose <see cref="KernelProfile.PageRequests"/> is <see cref="PageRequestRules.Linux58"/> or later. Models
    /// <c>intel_pasid_tear_down_entry</c> with <c>fault_ignore</c>, and the <c>FPD</c> bit. If it throws, the exit is completed first.</remarks>
    void TearDownPasidEntry(SvmDevice device, Ioasid pasid, bool ignoresFaults) => TearDownPasidEntry(device, pasid);

    /// <summary>Flushes all that is cached for a PASID: the entry, the IOTLB, and the device's own TLB if it has one.</summary>
    /// <param name="device">The device whose entry was torn down.</param>
    /// <param name="pasid">The PASID.</param>
    /// <remarks>Called right after the tear-down, of which it is a part since Linux 5.8; before that, once the device has left its
    /// binding. Models <c>intel_flush_svm_range_dev</c>, and the flushes of <c>intel_pasid_tear_down_entry</c>. If it throws, the operation is
    /// completed first: the entry is gone.</remarks>
    void Flush(SvmDevice device, Ioasid pasid);

    /// <summary>Invalidates what is cached for a PASID of a range of addresses, which is no longer mapped: the IOTLB, and the device's own
    /// TLB if it has one.</summary>
    /// <param name="device">A bound device.</param>
    /// <param name="pasid">The PASID.</param>
    /// <param name="first">The first address.</param>
    /// <param name="last">The last address, included.</param>
    /// <remarks>By default nothing. Models <c>intel_invalidate_range</c>. If it throws, the other devices come first: the range is unmapped.</remarks>
    void InvalidateRange(SvmDevice device, Ioasid pasid, ulong first, ulong last)
    {
    }
}

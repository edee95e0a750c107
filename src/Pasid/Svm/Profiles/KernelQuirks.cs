namespace Pasid;

/// <summary>
/// Names the kernel defects that a <see cref="KernelProfile"/> reproduces. Without any of them the binder does what
/// the kernel meant to do.
/// </summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
[Flags]
public enum KernelQuirks
{
    /// <summary>No defect is reproduced.</summary>
    None = 0,

    /// <summary>
    /// A bind that finds no free PASID answers <see cref="PasidStatus.Success"/>, stores no PASID and binds nothing.
    /// Without it: <see cref="PasidStatus.NoSpace"/>. Seed patch: the error code was lost.
    /// </summary>
    ExhaustionReportsSuccess = 1 << 0,

    /// <summary>
    /// A forked address space starts with the number of its parent's PASID without owning it: the first of the two to be
    /// destroyed frees it, and binds of both share the number. Without it: the child starts with none. Seed patch.
    /// </summary>
    ForkCopiesPasid = 1 << 1,

    /// <summary>
    /// The last unbind of a private or supervisor PASID only clears its data; nothing ever frees it. Without it: the
    /// last unbind frees it. Seed patch.
    /// </summary>
    PrivateAndSupervisorPasidsLeak = 1 << 2,

    /// <summary>
    /// A destroyed address space frees its PASID only where the CPU has ENQCMD (<see cref="PasidOptions.CpuHasEnqcmd"/>) and the
    /// kernel does not disable it (<see cref="KernelProfile.Enqcmd"/>). Without it: always. Seed patch.
    /// </summary>
    FreeNeedsEnqcmd = 1 << 3,

    /// <summary>
    /// A bind that takes up a remembered PASID and then fails leaves the PASID pointing to the binding that was given up.
    /// Without it: the PASID has no data again. Seed patch. What the stale data leads to is undefined in the
    /// kernel; here the PASID then counts as allocated without data.
    /// </summary>
    FailedRebindLeavesData = 1 << 4,

    /// <summary>
    /// A remembered PASID that no device is bound to is taken up without a look at the device's width. Without it: one
    /// too wide for the device is <see cref="PasidStatus.NoSpace"/>, as it is while bound. Seed patch.
    /// </summary>
    RebindSkipsWidthCheck = 1 << 5,

    /// <summary>
    /// A bind of a device that does not support PASIDs answers <see cref="PasidStatus.Success"/>, stores no PASID and
    /// binds nothing. Without it: <see cref="PasidStatus.OperationNotSupported"/>. Seed patch and Linux 5.6.
    /// </summary>
    UnsupportedDeviceReportsSuccess = 1 << 6,

    /// <summary>
    /// All flushes of a PASID, and the tear-downs at exit, go to the IOMMU of the device that was bound first. Without
    /// it: to each device's own. Seed patch and Linux 5.6.
    /// </summary>
    FirstIommuFlushes = 1 << 7,

    /// <summary>
    /// A device or system that is limited to no PASID at all is limited to 4294967295: the limit less one wraps around.
    /// Without it: <see cref="PasidStatus.NoSpace"/>. Seed patch and Linux 5.6; real hardware never reports 0.
    /// </summary>
    ZeroLimitWraps = 1 << 8,

    /// <summary>
    /// A page request at an address that is not canonical leaves its address space with a user too many, which then never
    /// exits. Without it: the user leaves. Seed patch and Linux 5.6.
    /// </summary>
    NonCanonicalFaultLeaksUser = 1 << 9,

    /// <summary>
    /// An unbind does not wait for page requests of the device that are still in a queue; they are answered afterwards, as
    /// those of nobody or of the next owner of the PASID. Without it: they are answered before the unbind returns. Seed patch
    /// and Linux 5.6.
    /// </summary>
    UnbindSkipsDrain = 1 << 10,

    /// <summary>
    /// The private data of a response is zero, whatever the request had. Without it: that of the request. Seed patch, and Linux 5.6 to 5.11.
    /// </summary>
    ResponseLosesPrivateData = 1 << 11,

    /// <summary>
    /// A response says that it has private data if the request had a PASID. Without it: if the request had private data. Seed patch,
    /// and Linux 5.6 to 5.9.
    /// </summary>
    ResponseClaimsPrivateData = 1 << 12,

    /// <summary>
    /// Callbacks of devices get the number of the page in the place of its address, and private data that is never
    /// <see langword="null"/>. Without it: the address, and <see langword="null"/> for none. Seed patch, and Linux 5.6 to 5.11.
    /// </summary>
    CallbackGetsPageNumber = 1 << 13,

    /// <summary>
    /// The thread that answers page requests dies if a request with a PASID follows one whose PASID is not allocated in the same run: it
    /// goes by what was found for that. Without it: it looks anew. Seed patch, and Linux 5.6 to 5.11. An unbind that the kernel would
    /// have wait for the dead thread goes on here.
    /// </summary>
    UnknownPasidEndsThread = 1 << 14,

    /// <summary>
    /// After a page request queue has overflowed once, all requests are lost. Without it: until the overflow is cleared by a run. Seed
    /// patch and Linux 5.6.
    /// </summary>
    OverflowIsForEver = 1 << 15,

    /// <summary>
    /// The device of a page request is found by its bus, device and function, whatever its segment: of several with the same the one bound
    /// last is taken for it. Without it: the device itself. Seed patch, and Linux 5.6 to 5.11.
    /// </summary>
    RequesterIdIsIdentity = 1 << 16,

    /// <summary>
    /// An unbind of a device that is not PCI drains nothing, with a warning of the kernel. Without it: it drains like others. Linux 5.8 to
    /// 5.17.
    /// </summary>
    DrainWarnsOutsidePci = 1 << 17,

    /// <summary>
    /// An unbind drains the queue of the device's own IOMMU alone, although another device can have asked for the same PASID elsewhere.
    /// Without it: all queues. Linux 5.8 and later.
    /// </summary>
    DrainSkipsOtherQueues = 1 << 18,
}

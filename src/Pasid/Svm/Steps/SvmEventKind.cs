namespace Pasid;

/// <summary>Says what kind of step an <see cref="SvmEvent"/> tells of.</summary>
/// <remarks>Immutable; safe for concurrent use. The numbers follow each other from 0.</remarks>
public enum SvmEventKind
{
    /// <summary>No step; the kind of <c>default(SvmEvent)</c>.</summary>
    None,

    /// <summary>An IOMMU was asked to enable PASIDs on a device.</summary>
    PasidEnabled,

    /// <summary>A PASID was asked of the allocator; <see cref="Ioasid.Invalid"/> if it had none.</summary>
    Allocated,

    /// <summary>A binding was attached to a PASID that was allocated before.</summary>
    DataSet,

    /// <summary>The binding was detached from a PASID that stays allocated.</summary>
    DataCleared,

    /// <summary>A PASID was given back to the allocator.</summary>
    Freed,

    /// <summary>A binding asked to be told when the address space exits.</summary>
    NotifierRegistered,

    /// <summary>A binding is no longer told when the address space exits.</summary>
    NotifierUnregistered,

    /// <summary>An IOMMU was asked to program a PASID entry.</summary>
    EntrySetUp,

    /// <summary>A PASID entry was cleared.</summary>
    EntryTornDown,

    /// <summary>What was cached for a device and PASID was flushed, apart from the tear-down. Linux 5.6; since 5.8 a tear-down flushes,
    /// and tells <see cref="PasidCacheInvalidated"/>.</summary>
    Flushed,

    /// <summary>The descriptor of a flush that invalidates the IOTLB; follows <see cref="Flushed"/> or
    /// <see cref="PasidCacheInvalidated"/>.</summary>
    IotlbInvalidated,

    /// <summary>The descriptor of a flush that invalidates the TLB of a device with ATS; follows <see cref="IotlbInvalidated"/>.</summary>
    DeviceTlbInvalidated,

    /// <summary>The last pin of an address space went; what destruction does follows.</summary>
    AddressSpaceDestroyed,

    /// <summary>What a device had under way with a PASID was drained; no page request with it is left.</summary>
    PageRequestsDrained,

    /// <summary>The descriptor of a tear-down that invalidates what is cached of the entry itself.</summary>
    PasidCacheInvalidated,

    /// <summary>The kernel found something that it says cannot be (<see cref="KernelQuirks.DrainWarnsOutsidePci"/>).</summary>
    KernelWarned,

    /// <summary>A PASID entry was made not present, before a flush and its tear-down (<see cref="KernelProfile.ClearsPresentFirst"/>).</summary>
    PresentCleared,

    /// <summary>What was cached for a device and PASID of a range of addresses was invalidated, because it is no longer mapped.</summary>
    RangeInvalidated,
}

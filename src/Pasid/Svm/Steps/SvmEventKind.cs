namespace Pasid;

/// <summary>Says what kind of step an <see cref="SvmEvent"/> tells of.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum SvmEventKind
{
    /// <summary>No step; the kind of <c>default(SvmEvent)</c>.</summary>
    None = 0,

    /// <summary>An IOMMU was asked to enable PASIDs on a device.</summary>
    PasidEnabled = 1,

    /// <summary>A PASID was asked of the allocator; <see cref="Ioasid.Invalid"/> if it had none.</summary>
    Allocated = 2,

    /// <summary>A binding was attached to a PASID that was allocated before.</summary>
    DataSet = 3,

    /// <summary>The binding was detached from a PASID that stays allocated.</summary>
    DataCleared = 4,

    /// <summary>A PASID was given back to the allocator.</summary>
    Freed = 5,

    /// <summary>A binding asked to be told when the address space exits.</summary>
    NotifierRegistered = 6,

    /// <summary>A binding is no longer told when the address space exits.</summary>
    NotifierUnregistered = 7,

    /// <summary>An IOMMU was asked to program a PASID entry.</summary>
    EntrySetUp = 8,

    /// <summary>A PASID entry was cleared.</summary>
    EntryTornDown = 9,

    /// <summary>What was cached for a device and PASID was flushed.</summary>
    Flushed = 10,

    /// <summary>The descriptor of a flush that invalidates the IOTLB; follows <see cref="Flushed"/>.</summary>
    IotlbInvalidated = 11,

    /// <summary>The descriptor of a flush that invalidates the TLB of a device with ATS; follows <see cref="IotlbInvalidated"/>.</summary>
    DeviceTlbInvalidated = 12,

    /// <summary>The last pin of an address space went; what destruction does follows.</summary>
    AddressSpaceDestroyed = 13,

    /// <summary>The page requests in the queues were answered before a device let go of a PASID.</summary>
    PageRequestsDrained = 14,
}

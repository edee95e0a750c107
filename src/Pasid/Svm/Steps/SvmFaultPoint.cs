namespace Pasid;

/// <summary>Names a step of a bind or fork that can be made to fail; see <see cref="ISvmFaultInjector"/>.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum SvmFaultPoint
{
    /// <summary>The record of the device in a binding is allocated; each bind that adds a device, and enable-only calls.</summary>
    DeviceRecord = 0,

    /// <summary>The record of a new binding is allocated.</summary>
    SvmRecord = 1,

    /// <summary>A new binding registers with its address space (<c>mmu_notifier_register</c>).</summary>
    NotifierRegistration = 2,

    /// <summary>The PASID entry of a device is programmed. A failure here takes the place of the call to the IOMMU.</summary>
    PasidEntrySetup = 3,

    /// <summary>The mappings of a process are copied for its child (<c>dup_mmap</c>).</summary>
    AddressSpaceCopy = 4,
}

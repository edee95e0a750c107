namespace Pasid;

/// <summary>Brings a page of a region in; see <see cref="AddressRegionMap.PageFault"/>.</summary>
/// <param name="addressSpace">The address space.</param>
/// <param name="region">The region that the page lies in, which allows the access.</param>
/// <param name="address">The address of the page, a multiple of 4096.</param>
/// <param name="isWrite">Whether the device wants to write. Nothing else of what it wants is told.</param>
/// <returns>What became of it.</returns>
/// <remarks>Models <c>handle_mm_fault</c>, which a device's request gives no flag but <c>FAULT_FLAG_WRITE</c>.</remarks>
public delegate FaultOutcome PageFaultHandler(AddressSpace addressSpace, AddressRegion region, ulong address, bool isWrite);

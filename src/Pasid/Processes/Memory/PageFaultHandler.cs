namespace Pasid;

/// <summary>Brings the page in that an access to a region of an <see cref="AddressRegionMap"/> needs.</summary>
/// <remarks>
/// <para>Called once the region is found, has grown and allows the access; with no lock of the map held, so that it may change the map.
/// Several accesses call at once, so an implementation must be safe for concurrent use. The address space has a user more meanwhile; for
/// the rest it is as <see cref="IAddressSpaceFaultHandler"/>. What it throws, the map passes on.</para>
/// <para>Models <c>handle_mm_fault</c>, with <c>FAULT_FLAG_WRITE</c> alone of its flags.</para>
/// </remarks>
/// <param name="addressSpace">The address space.</param>
/// <param name="page">The first address of the page: a multiple of 4096.</param>
/// <param name="isWrite">Whether the access writes; of reads and of execution nothing is told.</param>
/// <returns>What became of it: <see cref="FaultOutcome.Handled"/>, or why there is no page, for example <see cref="FaultOutcome.Failed"/>.</returns>
public delegate FaultOutcome PageFaultHandler(AddressSpace addressSpace, ulong page, bool isWrite);

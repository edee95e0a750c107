namespace Pasid;

/// <summary>What a simulator plugs into an <see cref="AddressSpace"/> to bring the pages in that devices ask for, and instructions where
/// no portal is mapped.</summary>
/// <remarks>
/// <para>Called outside the binder's gate, one at a time from one queue; several queues call at once, so an implementation must be safe
/// for concurrent use. The address space has a user more meanwhile, and so does not exit. An implementation must not call the binder,
/// which throws <see cref="InvalidOperationException"/>; it may let a process exit (<see cref="AddressSpace.Exit"/>), and unmap memory
/// (<see cref="AddressSpace.NotifyUnmapped"/>). What it throws is passed on once all is answered; the request is then answered
/// <see cref="PageResponseCode.InvalidRequest"/>. For an instruction it is called on the thread that executes it, and what it throws is
/// passed on at once.</para>
/// <para>Models <c>find_extend_vma</c>, <c>access_error</c> and <c>handle_mm_fault</c>.</para>
/// </remarks>
public interface IAddressSpaceFaultHandler
{
    /// <summary>Brings a page in.</summary>
    /// <param name="addressSpace">The address space.</param>
    /// <param name="address">A canonical address.</param>
    /// <param name="rights">What the device wants to do; for an instruction <see cref="PageRequestRights.Write"/>.</param>
    /// <returns>What became of it.</returns>
    FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights);
}

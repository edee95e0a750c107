namespace Pasid;

/// <summary>Makes steps of a bind or fork fail, so that the way back can be tested.</summary>
/// <remarks>
/// Calls come one at a time from one binder, with its gate held: an implementation must not call that binder (such a
/// call throws <see cref="InvalidOperationException"/>), and is safe without locks if it serves one binder. If it
/// throws, the bind is undone and the exception passed on.
/// </remarks>
public interface ISvmFaultInjector
{
    /// <summary>Asked each time a bind or fork reaches a step that can fail.</summary>
    /// <param name="point">The step.</param>
    /// <param name="device">The device that is being bound; <see langword="null"/> in a fork.</param>
    /// <param name="addressSpace">The address space that is being bound, or forked; <see langword="null"/> for the supervisor's and
    /// for an enable-only call.</param>
    /// <returns><see cref="PasidStatus.Success"/> to let the step happen; otherwise the step fails with this status, and the
    /// bind answers it. In the kernel it is <see cref="PasidStatus.OutOfMemory"/> for all but
    /// <see cref="SvmFaultPoint.PasidEntrySetup"/>, where it is <see cref="PasidStatus.InvalidArgument"/>.</returns>
    PasidStatus Inject(SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace);
}

namespace Pasid;

/// <summary>Says what kind of step a <see cref="PageRequestEvent"/> tells of.</summary>
/// <remarks>Immutable; safe for concurrent use. The numbers follow each other from 0.</remarks>
public enum PageRequestEventKind
{
    /// <summary>No step; the kind of <c>default(PageRequestEvent)</c>.</summary>
    None,

    /// <summary>A register was read.</summary>
    RegisterRead,

    /// <summary>A register was written.</summary>
    RegisterWritten,

    /// <summary>A request had no PASID.</summary>
    PasidAbsent,

    /// <summary>A request had a PASID that is bound to nothing.</summary>
    PasidUnknown,

    /// <summary>A request came from a device that is not bound to its PASID, or no longer; the kernel warns.</summary>
    DeviceUnknown,

    /// <summary>An unbind has to wait: requests of its PASID are in the queue, or the queue has overflowed.</summary>
    DrainWaited,

    /// <summary>The thread that answers has died (<see cref="KernelQuirks.UnknownPasidEndsThread"/>).</summary>
    ThreadDied,
}

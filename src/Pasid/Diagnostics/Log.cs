using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// Every message the library writes. Callers have left their gates; nothing is formatted where the level is off.
/// </summary>
internal static partial class Log
{
    [LoggerMessage(EventIds.Bound, LogLevel.Debug, "Bound device {Device} to {AddressSpace} with PASID {Pasid} ({Flags}).", EventName = nameof(EventIds.Bound))]
    public static partial void Bound(this ILogger logger, SvmDevice device, string addressSpace, Ioasid pasid, SvmBindFlags flags);

    [LoggerMessage(EventIds.BindFailed, LogLevel.Warning, "Device {Device} was not bound to {AddressSpace} ({Flags}): {Status}. {Reason}", EventName = nameof(EventIds.BindFailed))]
    public static partial void BindFailed(this ILogger logger, SvmDevice device, string addressSpace, SvmBindFlags flags, PasidStatus status, string reason);

    [LoggerMessage(EventIds.FailureReportedAsSuccess, LogLevel.Warning, "A quirk of the profile {Profile} reports success for device {Device} although nothing was bound: {Status}.", EventName = nameof(EventIds.FailureReportedAsSuccess))]
    public static partial void FailureReportedAsSuccess(this ILogger logger, string profile, SvmDevice device, PasidStatus status);

    [LoggerMessage(EventIds.Unbound, LogLevel.Debug, "Unbound device {Device} from PASID {Pasid}.", EventName = nameof(EventIds.Unbound))]
    public static partial void Unbound(this ILogger logger, SvmDevice device, Ioasid pasid);

    [LoggerMessage(EventIds.UnbindFailed, LogLevel.Warning, "Device {Device} was not unbound from PASID {Pasid}: {Status}.", EventName = nameof(EventIds.UnbindFailed))]
    public static partial void UnbindFailed(this ILogger logger, SvmDevice device, Ioasid pasid, PasidStatus status);

    [LoggerMessage(EventIds.PasidEnabled, LogLevel.Debug, "Enabled PASIDs on device {Device}.", EventName = nameof(EventIds.PasidEnabled))]
    public static partial void PasidEnabled(this ILogger logger, SvmDevice device);

    [LoggerMessage(EventIds.EnableFailed, LogLevel.Warning, "PASIDs were not enabled on device {Device}: {Status}.", EventName = nameof(EventIds.EnableFailed))]
    public static partial void EnableFailed(this ILogger logger, SvmDevice device, PasidStatus status);

    [LoggerMessage(EventIds.AddressSpaceExited, LogLevel.Debug, "Address space {AddressSpace} exited.", EventName = nameof(EventIds.AddressSpaceExited))]
    public static partial void AddressSpaceExited(this ILogger logger, AddressSpace addressSpace);

    [LoggerMessage(EventIds.AddressSpaceDestroyed, LogLevel.Debug, "Address space {AddressSpace} is destroyed.", EventName = nameof(EventIds.AddressSpaceDestroyed))]
    public static partial void AddressSpaceDestroyed(this ILogger logger, AddressSpace addressSpace);

    [LoggerMessage(EventIds.PasidLeaked, LogLevel.Warning, "A quirk of the profile {Profile} keeps PASID {Pasid} from ever being freed.", EventName = nameof(EventIds.PasidLeaked))]
    public static partial void PasidLeaked(this ILogger logger, string profile, Ioasid pasid);

    [LoggerMessage(EventIds.AddressSpaceForked, LogLevel.Debug, "Address space {AddressSpace} forked {Child}, which has PASID {Pasid}.", EventName = nameof(EventIds.AddressSpaceForked))]
    public static partial void AddressSpaceForked(this ILogger logger, AddressSpace addressSpace, AddressSpace child, Ioasid pasid);

    [LoggerMessage(EventIds.BinderDisposed, LogLevel.Information, "The binder was disposed; it held {Bindings} bindings and {AddressSpaces} address spaces.", EventName = nameof(EventIds.BinderDisposed))]
    public static partial void BinderDisposed(this ILogger logger, int bindings, int addressSpaces);

    [LoggerMessage(EventIds.CallbackThrew, LogLevel.Error, "A callback threw in {Operation}; what it threw is passed on.", EventName = nameof(EventIds.CallbackThrew))]
    public static partial void CallbackThrew(this ILogger logger, Exception exception, string operation);

    [LoggerMessage(EventIds.SnapshotCaptured, LogLevel.Information, "Captured a snapshot of {LiveCount} ids and {Bindings} bindings.", EventName = nameof(EventIds.SnapshotCaptured))]
    public static partial void SnapshotCaptured(this ILogger logger, int liveCount, int bindings);

    [LoggerMessage(EventIds.SnapshotRestored, LogLevel.Information, "Restored a snapshot of {LiveCount} ids and {Bindings} bindings.", EventName = nameof(EventIds.SnapshotRestored))]
    public static partial void SnapshotRestored(this ILogger logger, int liveCount, int bindings);

    [LoggerMessage(EventIds.SnapshotRefused, LogLevel.Warning, "A snapshot was not restored: {Reason}", EventName = nameof(EventIds.SnapshotRefused))]
    public static partial void SnapshotRefused(this ILogger logger, string reason);

    [LoggerMessage(EventIds.PasidLoaded, LogLevel.Debug, "Loaded PASID {Pasid} into the register of thread {Thread}.", EventName = nameof(EventIds.PasidLoaded))]
    public static partial void PasidLoaded(this ILogger logger, SvmThread thread, Ioasid pasid);

    [LoggerMessage(EventIds.InstructionFaulted, LogLevel.Debug, "An ENQCMD or ENQCMDS of thread {Thread} faulted: {Outcome}.", EventName = nameof(EventIds.InstructionFaulted))]
    public static partial void InstructionFaulted(this ILogger logger, SvmThread thread, EnqcmdOutcome outcome);

    [LoggerMessage(EventIds.PageRequestAnswered, LogLevel.Debug, "Answered a page request of device {Device} with PASID {Pasid} at {Address:X}: {Code}.", EventName = nameof(EventIds.PageRequestAnswered))]
    public static partial void PageRequestAnswered(this ILogger logger, SvmDevice device, Ioasid? pasid, ulong address, PageResponseCode code);

    [LoggerMessage(EventIds.PageRequestOfNobody, LogLevel.Warning, "Device {Device} asked for a page with PASID {Pasid}, which is bound to nothing.", EventName = nameof(EventIds.PageRequestOfNobody))]
    public static partial void PageRequestOfNobody(this ILogger logger, SvmDevice device, Ioasid? pasid);

    [LoggerMessage(EventIds.PageRequestOverflowed, LogLevel.Warning, "A page request of device {Device} found the queue full.", EventName = nameof(EventIds.PageRequestOverflowed))]
    public static partial void PageRequestOverflowed(this ILogger logger, SvmDevice device);
}

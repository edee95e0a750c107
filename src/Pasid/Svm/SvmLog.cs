using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What a binder writes of its calls, once the gate is left.</summary>
internal static partial class SvmLog
{
    [LoggerMessage(EventIds.Bound, LogLevel.Debug, "Bound device {Device} to {AddressSpace} with PASID {Pasid} ({Flags}).", EventName = nameof(EventIds.Bound))]
    public static partial void Bound(this ILogger logger, SvmDevice device, string addressSpace, Ioasid pasid, SvmBindFlags flags);

    [LoggerMessage(EventIds.BindFailed, LogLevel.Warning, "Device {Device} was not bound to {AddressSpace} ({Flags}): {Status}. {Reason}", EventName = nameof(EventIds.BindFailed))]
    public static partial void BindFailed(this ILogger logger, SvmDevice device, string addressSpace, SvmBindFlags flags, PasidStatus status, string reason);

    [LoggerMessage(EventIds.FailureReportedAsSuccess, LogLevel.Warning, "A quirk of the profile {Profile} reports success for device {Device} although nothing was bound: {Status}.", EventName = nameof(EventIds.FailureReportedAsSuccess))]
    public static partial void FailureReportedAsSuccess(this ILogger logger, string profile, SvmDevice device, PasidStatus status);

    [LoggerMessage(EventIds.UnbindFailed, LogLevel.Warning, "Device {Device} was not unbound from PASID {Pasid}: {Status}.", EventName = nameof(EventIds.UnbindFailed))]
    public static partial void UnbindFailed(this ILogger logger, SvmDevice device, Ioasid pasid, PasidStatus status);

    [LoggerMessage(EventIds.PasidEnabled, LogLevel.Debug, "Enabled PASIDs on device {Device}.", EventName = nameof(EventIds.PasidEnabled))]
    public static partial void PasidEnabled(this ILogger logger, SvmDevice device);

    [LoggerMessage(EventIds.EnableFailed, LogLevel.Warning, "PASIDs were not enabled on device {Device}: {Status}.", EventName = nameof(EventIds.EnableFailed))]
    public static partial void EnableFailed(this ILogger logger, SvmDevice device, PasidStatus status);

    [LoggerMessage(EventIds.BinderDisposed, LogLevel.Information, "The binder was disposed; it held {Bindings} bindings and {AddressSpaces} address spaces.", EventName = nameof(EventIds.BinderDisposed))]
    public static partial void BinderDisposed(this ILogger logger, int bindings, int addressSpaces);

    [LoggerMessage(EventIds.SnapshotCaptured, LogLevel.Information, "Captured a snapshot of {LiveCount} ids and {Bindings} bindings.", EventName = nameof(EventIds.SnapshotCaptured))]
    public static partial void SnapshotCaptured(this ILogger logger, int liveCount, int bindings);

    [LoggerMessage(EventIds.SnapshotRestored, LogLevel.Information, "Restored a snapshot of {LiveCount} ids and {Bindings} bindings.", EventName = nameof(EventIds.SnapshotRestored))]
    public static partial void SnapshotRestored(this ILogger logger, int liveCount, int bindings);

    [LoggerMessage(EventIds.SnapshotRefused, LogLevel.Warning, "A snapshot was not restored: {Reason}", EventName = nameof(EventIds.SnapshotRefused))]
    public static partial void SnapshotRefused(this ILogger logger, string reason);
}

using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What is written of bindings and their PASIDs, once the gate is left.</summary>
internal static partial class BindingLog
{
    [LoggerMessage(EventIds.Unbound, LogLevel.Debug, "Unbound device {Device} from PASID {Pasid}.", EventName = nameof(EventIds.Unbound))]
    public static partial void Unbound(this ILogger logger, SvmDevice device, Ioasid pasid);

    [LoggerMessage(EventIds.PasidLeaked, LogLevel.Warning, "A quirk of the profile {Profile} keeps PASID {Pasid} from ever being freed.", EventName = nameof(EventIds.PasidLeaked))]
    public static partial void PasidLeaked(this ILogger logger, string profile, Ioasid pasid);
}

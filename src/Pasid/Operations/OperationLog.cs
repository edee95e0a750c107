using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What operations write of themselves, once the gate is left.</summary>
internal static partial class OperationLog
{
    [LoggerMessage(EventIds.CallbackThrew, LogLevel.Error, "A callback threw in {Operation}; what it threw is passed on.", EventName = nameof(EventIds.CallbackThrew))]
    public static partial void CallbackThrew(this ILogger logger, Exception exception, string operation);
}

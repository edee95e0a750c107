using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>The names under which loggers are made: <c>Pasid.</c> and the type, and the host where it has a name.</summary>
internal static class LogCategory
{
    public static string For(string typeName, string? hostName) =>
        string.IsNullOrEmpty(hostName) ? $"Pasid.{typeName}" : $"Pasid.{typeName}.{hostName}";

    /// <summary>Makes the logger of a type; the only place where the library makes one.</summary>
    /// <returns><see langword="null"/> if there is no factory, or it answers none.</returns>
    public static ILogger? MakeLogger(ILoggerFactory? factory, string typeName, string? hostName) =>
        factory?.CreateLogger(For(typeName, hostName)) is { } logger ? new GuardedLogger(logger) : null;
}

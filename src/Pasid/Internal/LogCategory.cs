using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>The names under which loggers are made: <c>Pasid.</c> and the type, and the host where it has a name.</summary>
internal static class LogCategory
{
    /// <summary>Makes the logger of a type; the only place where the library makes one.</summary>
    /// <returns><see langword="null"/> if there is no factory, or it answers none.</returns>
    public static ILogger? MakeLogger(ILoggerFactory? factory, string typeName, string? hostName) =>
        factory?.CreateLogger(string.IsNullOrEmpty(hostName) ? $"Pasid.{typeName}" : $"Pasid.{typeName}.{hostName}") is { } logger ? new GuardedLogger(logger) : null;
}

/// <summary>
/// A logger whose exceptions go nowhere: what it is told of has happened, and a call that has had its effect must not seem to have
/// failed.
/// </summary>
internal sealed class GuardedLogger(ILogger inner) : ILogger
{
#pragma warning disable CA1031 // Whatever it is: there is nobody to whom it could be passed on.
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
    {
        try
        {
            return inner.BeginScope(state);
        }
        catch (Exception)
        {
            return null;
        }
    }

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return inner.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            return false;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            inner.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (ThreadInterruptedException)
        {
            // Not the logger's, but meant for the thread: its next wait ends.
            Thread.CurrentThread.Interrupt();
        }
        catch (Exception)
        {
        }
    }
#pragma warning restore CA1031
}

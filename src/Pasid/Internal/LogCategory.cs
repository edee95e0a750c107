namespace Pasid.Internal;

/// <summary>The names under which loggers are made: <c>Pasid.</c> and the type, and the host where it has a name.</summary>
internal static class LogCategory
{
    public static string For(string typeName, string? hostName) =>
        string.IsNullOrEmpty(hostName) ? $"Pasid.{typeName}" : $"Pasid.{typeName}.{hostName}";
}

namespace Pasid.Tool.Commands;

/// <summary>How the tool ends.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>Something was answered differently from what a file expects.</summary>
    public const int Mismatch = 1;

    /// <summary>The command line is wrong, or a file is missing, unreadable or malformed.</summary>
    public const int Usage = 2;
}

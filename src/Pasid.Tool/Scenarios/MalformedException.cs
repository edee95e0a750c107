namespace Pasid.Tool.Scenarios;

/// <summary>A file that cannot be played: missing, unreadable or malformed. The message says where and why, and may quote the file as
/// it is.</summary>
internal sealed class MalformedException : Exception
{
    public MalformedException()
    {
    }

    public MalformedException(string message)
        : base(message)
    {
    }

    public MalformedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public MalformedException(string path, int line, string message)
        : base($"{path}:{line}: {message}")
    {
    }

    public MalformedException(string path, int line, string message, Exception innerException)
        : base($"{path}:{line}: {message}", innerException)
    {
    }
}

namespace Pasid.Tool.Scenarios;

/// <summary>A file that cannot be played: missing, unreadable or malformed. The message says where and why.</summary>
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
}

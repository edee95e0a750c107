namespace Pasid.Tool.Scenarios;

/// <summary>A file that cannot be played: missing, unreadable or malformed. The message says where and why, in one line
/// whatever of the file it quotes.</summary>
internal sealed class MalformedException : Exception
{
    public MalformedException()
    {
    }

    public MalformedException(string message)
        : base(OneLine(message))
    {
    }

    public MalformedException(string message, Exception innerException)
        : base(OneLine(message), innerException)
    {
    }

    public MalformedException(string path, int line, string message)
        : base(OneLine($"{path}:{line}: {message}"))
    {
    }

    private static string OneLine(string message) =>
        string.Concat(message.Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : $"{c}"));
}

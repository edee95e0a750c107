using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Pasid.Tool.Files;

namespace Pasid.Tool.Scenarios;

/// <summary>Splits a file into lines of JSON, within limits that no honest file reaches.</summary>
internal static class ScenarioLines
{
    /// <summary>The longest line that is read, in bytes.</summary>
    public const int MaxLineLength = 1 << 20;

    /// <summary>The longest file that is read, in bytes.</summary>
    public const long MaxFileLength = 1 << 28;

    /// <summary>Reads a file.</summary>
    public static IEnumerable<JsonDocument> Read(string path) => Read(path, InputFiles.Open(path));

    /// <summary>Reads a stream, which is closed at the end.</summary>
    public static IEnumerable<JsonDocument> Read(string path, Stream stream)
    {
        using (stream)
        {
            int number = 0;
            foreach (ReadOnlyMemory<byte> line in Split(path, stream))
            {
                number++;
                yield return Parse(path, number, line);
            }
        }
    }

    private static JsonDocument Parse(string path, int number, ReadOnlyMemory<byte> line)
    {
        if (!Utf8.IsValid(line.Span))
        {
            throw new MalformedException(path, number, "the line is no valid UTF-8");
        }

        try
        {
            return JsonDocument.Parse(line);
        }
        catch (JsonException exception)
        {
            string why = line.Span.Trim((byte)' ').IsEmpty ? "the line is empty" : "the line is cut off or no JSON object";
            throw new MalformedException($"{path}:{number}: {why}", exception);
        }
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Split(string path, Stream stream)
    {
        byte[] buffer = new byte[1 << 16];
        int start = 0;
        int end = 0;
        int number = 1;
        long total = 0;
        bool isFirst = true;
        while (true)
        {
            int length = Fill(path, stream, buffer.AsSpan(end));
            end += length;
            total += length;
            if (total > MaxFileLength)
            {
                throw new MalformedException($"{path}: is longer than {MaxFileLength} bytes");
            }

            if (isFirst && buffer.AsSpan(0, end).StartsWith(Encoding.UTF8.Preamble))
            {
                start = Encoding.UTF8.Preamble.Length;
            }

            isFirst = false;
            int newline;
            while ((newline = buffer.AsSpan(start, end - start).IndexOf((byte)'\n')) >= 0)
            {
                int last = start + newline;
                yield return buffer.AsMemory(start, last > start && buffer[last - 1] == '\r' ? newline - 1 : newline);
                start = last + 1;
                number++;
            }

            if (length == 0)
            {
                break;
            }

            buffer.AsSpan(start, end - start).CopyTo(buffer);
            end -= start;
            start = 0;
            if (end > MaxLineLength)
            {
                throw new MalformedException(path, number, $"the line is longer than {MaxLineLength} bytes");
            }

            if (end > buffer.Length / 2)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }
        }

        if (end > start)
        {
            yield return buffer.AsMemory(start, end - start);
        }
    }

    private static int Fill(string path, Stream stream, Span<byte> buffer)
    {
        try
        {
            return stream.Read(buffer);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new MalformedException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }
}

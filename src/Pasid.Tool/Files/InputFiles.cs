using System.IO.Compression;
using System.IO.Enumeration;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Files;

/// <summary>The files that the tool reads: regular ones, which have an end and keep nobody waiting.</summary>
internal static class InputFiles
{
    private const string Pattern = "*.jsonl";
    private const string CompressedPattern = "*.jsonl.gz";

    /// <summary>Opens a regular file, or one that a link leads to; one that ends in <c>.gz</c> is unpacked.</summary>
    /// <exception cref="MalformedException">It is something else, or cannot be opened.</exception>
    public static Stream Open(string path)
    {
        if (Describe(FileStatus.Of(path).Kind) is { } what)
        {
            throw new MalformedException($"{path}: is {what}: give a regular file");
        }

        try
        {
            FileStream file = File.OpenRead(path);
            return IsMatch(CompressedPattern, path) ? new GZipStream(file, CompressionMode.Decompress) : file;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new MalformedException($"{path}: cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Finds the files that paths stand for: themselves, or what is in a folder and those below it, without the links there.</summary>
    /// <param name="paths">The paths.</param>
    /// <param name="refuse">Takes what is wrong with some path; the others are searched all the same.</param>
    /// <returns>Each file once, also one that several paths lead to.</returns>
    public static IReadOnlyList<string> Find(IEnumerable<string> paths, Action<string> refuse)
    {
        List<string> files = [];
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string path in paths)
        {
            FileStatus status = FileStatus.Of(path);
            if (status.Kind == FileKind.Folder)
            {
                List<(string Path, string Identity)> found = Search(path, status, refuse, out bool isWhole);
                if (found.Count == 0 && isWhole)
                {
                    refuse($"{path}: the folder holds no .jsonl or .jsonl.gz file");
                }

                files.AddRange(found.Where(file => seen.Add(file.Identity)).Select(file => file.Path));
            }
            else if (status.Kind == FileKind.Unknown && !File.Exists(path))
            {
                refuse($"{path}: there is no such file or folder");
            }
            else if (seen.Add(status.Identity))
            {
                // Whatever else it is, to open it says.
                files.Add(path);
            }
        }

        return files;
    }

    private static List<(string Path, string Identity)> Search(string root, FileStatus status, Action<string> refuse, out bool isWhole)
    {
        isWhole = true;
        List<(string Path, string Identity)> found = [];
        var folders = new Stack<string>([root]);

        // A folder can be mounted below itself, without any link.
        var seen = new HashSet<string>(StringComparer.Ordinal) { status.Identity };
        var options = new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = false };
        while (folders.TryPop(out string? folder))
        {
            try
            {
                foreach (string path in Directory.EnumerateFileSystemEntries(folder, "*", options))
                {
                    FileStatus entry = FileStatus.Of(path, followsLinks: false);
                    if (entry.Kind == FileKind.Folder && seen.Add(entry.Identity))
                    {
                        folders.Push(path);
                    }
                    else if (IsRecording(path) && entry.Kind is FileKind.File or FileKind.Unknown)
                    {
                        found.Add((path, entry.Identity));
                    }
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                isWhole = false;
                refuse($"{folder}: cannot be searched: {exception.Message}");
            }
        }

        found.Sort((one, other) => string.CompareOrdinal(one.Path, other.Path));
        return found;
    }

    private static bool IsRecording(string path) => IsMatch(Pattern, path) || IsMatch(CompressedPattern, path);

    private static bool IsMatch(string pattern, string path) =>
        FileSystemName.MatchesSimpleExpression(pattern, Path.GetFileName(path.AsSpan()), ignoreCase: !OperatingSystem.IsLinux());

    private static string? Describe(FileKind kind) => kind switch
    {
        FileKind.Folder => "a folder",
        FileKind.NamedPipe => "a named pipe",
        FileKind.Socket => "a socket",
        FileKind.Device => "a device",
        _ => null,
    };
}

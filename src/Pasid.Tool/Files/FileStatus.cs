using System.Runtime.InteropServices;
using System.Text;

namespace Pasid.Tool.Files;

/// <summary>What a path leads to, found out without opening it: to open a named pipe is to wait for its other end.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Identity">The same for all paths to one file.</param>
internal readonly record struct FileStatus(FileKind Kind, string Identity)
{
    /// <summary>Asks for a path.</summary>
    /// <param name="path">The path.</param>
    /// <param name="followsLinks">Whether a link stands for what it leads to.</param>
    public static FileStatus Of(string path, bool followsLinks = true)
    {
        // A path with a NUL would be asked for up to it.
        if (path.Length == 0 || path.Contains('\0', StringComparison.Ordinal))
        {
            return new FileStatus(FileKind.Unknown, path);
        }

        return OperatingSystem.IsLinux() && TryAsk(path, followsLinks, out FileStatus status) ? status : Guess(path, followsLinks);
    }

    /// <summary>Asks the kernel, which .NET does not do for a type; the layout of the answer is the same on all processors.</summary>
    private static bool TryAsk(string path, bool followsLinks, out FileStatus status)
    {
        const int CurrentFolder = -100;
        const int NoFollow = 0x100;
        const uint TypeAndInode = 0x101;
        const int TypeMask = 0xF000;
        status = default;
        byte[] answer = new byte[256];
        try
        {
            if (NativeMethods.statx(CurrentFolder, Encoding.UTF8.GetBytes(path + '\0'), followsLinks ? 0 : NoFollow, TypeAndInode, answer) != 0)
            {
                return false;
            }
        }
        catch (EntryPointNotFoundException)
        {
            return false;
        }

        FileKind kind = (MemoryMarshal.Read<ushort>(answer.AsSpan(28)) & TypeMask) switch
        {
            0x1000 => FileKind.NamedPipe,
            0x4000 => FileKind.Folder,
            0x8000 => FileKind.File,
            0xA000 => FileKind.Link,
            0xC000 => FileKind.Socket,
            _ => FileKind.Device,
        };
        status = new FileStatus(kind, $"{Convert.ToHexString(answer, 136, 8)}:{Convert.ToHexString(answer, 32, 8)}");
        return true;
    }

    private static FileStatus Guess(string path, bool followsLinks)
    {
        try
        {
            string identity = Path.GetFullPath(path);
            if (!followsLinks && new FileInfo(path).LinkTarget is not null)
            {
                return new FileStatus(FileKind.Link, identity);
            }

            return new FileStatus(Directory.Exists(path) ? FileKind.Folder : File.Exists(path) ? FileKind.File : FileKind.Unknown, identity);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return new FileStatus(FileKind.Unknown, path);
        }
    }
}

using System.Runtime.InteropServices;

namespace Pasid.Tool.Files;

/// <summary>What only the C library answers.</summary>
internal static class NativeMethods
{
#pragma warning disable IDE1006, SA1300 // The name of the function.
    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static extern int statx(int folder, byte[] path, int flags, uint mask, byte[] answer);
#pragma warning restore IDE1006, SA1300
}

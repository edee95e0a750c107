namespace Pasid.Tool.Scenarios;

/// <summary>The names by which files and the command line call the profiles.</summary>
internal static class KernelNames
{
    /// <summary>The names that the command line takes.</summary>
    public static readonly string[] Profiles = [KernelProfile.Default.Name, KernelProfile.Seed.Name, KernelProfile.Linux56.Name];

    /// <summary>The kernels of allocator files. Both are answered by the same allocator.</summary>
    public static readonly string[] Allocators = ["v5.6", "v5.17"];

    /// <summary>Finds a profile by the name of its kernel; recordings call the seed <c>patched</c>.</summary>
    public static KernelProfile? Find(string name) => name switch
    {
        "default" => KernelProfile.Default,
        "seed" or "patched" => KernelProfile.Seed,
        "v5.6" => KernelProfile.Linux56,
        _ => null,
    };
}

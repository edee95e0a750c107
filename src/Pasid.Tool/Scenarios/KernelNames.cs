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

    /// <summary>Finds the profile of a recording of page requests. What is called v5.8 or v5.10 there is the thread of that kernel over the
    /// binds of Linux 5.6.</summary>
    public static KernelProfile? FindThread(string name) => name switch
    {
        "v5.8" => Linux56With(
            name,
            PageRequestRules.Linux58,
            KernelProfile.Linux56.Quirks & ~(KernelQuirks.NonCanonicalFaultLeaksUser | KernelQuirks.UnbindSkipsDrain | KernelQuirks.OverflowIsForEver)),
        "v5.10" => Linux56With(
            name,
            PageRequestRules.Linux510,
            KernelProfile.Linux56.Quirks
                & ~(KernelQuirks.NonCanonicalFaultLeaksUser | KernelQuirks.UnbindSkipsDrain | KernelQuirks.OverflowIsForEver | KernelQuirks.ResponseClaimsPrivateData)),
        "patched" or "v5.6" => Find(name),
        _ => null,
    };

    private static KernelProfile Linux56With(string name, PageRequestRules rules, KernelQuirks quirks) => KernelProfile.Linux56 with
    {
        Name = name,
        PageRequests = rules,
        Quirks = quirks | KernelQuirks.DrainWarnsOutsidePci | KernelQuirks.DrainSkipsOtherQueues,
    };
}

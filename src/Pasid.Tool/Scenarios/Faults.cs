namespace Pasid.Tool.Scenarios;

/// <summary>What becomes of faults in a region, as files name it, with the bits that the kernel's handler answers.</summary>
internal static class Faults
{
    /// <summary>The process exits while its first fault is handled.</summary>
    public const string Exit = "exit";

    public const string Ok = "ok";

    private const int Errors = 0x1 | 0x2 | 0x10 | 0x20 | 0x40 | 0x800;

    public static IReadOnlyDictionary<string, int> Bits { get; } = new Dictionary<string, int>(StringComparer.Ordinal)
    {
        [Ok] = 0,
        [Exit] = 0,
        ["oom"] = 0x1,
        ["sigbus"] = 0x2,
        ["major"] = 0x4,
        ["hwpoison"] = 0x10,
        ["hwpoison_large"] = 0x20,
        ["sigsegv"] = 0x40,
        ["nopage"] = 0x100,
        ["locked"] = 0x200,
        ["retry"] = 0x400,
        ["fallback"] = 0x800,
    };

    public static FaultOutcome Outcome(int bits) => (bits & Errors) != 0 ? FaultOutcome.Failed : FaultOutcome.Handled;
}

using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Says which kernel a binder models: how long a PASID lives, whose thread answers page requests, and which of the kernel's defects are
/// reproduced.
/// </summary>
/// <remarks>Immutable; safe for concurrent use. Profiles of one's own are composed with the constructor or <c>with</c>; where one is handed
/// in with <see cref="PasidOptions"/>, values that are not defined throw <see cref="ArgumentException"/>.</remarks>
/// <param name="Name">What to call it in messages; not <see langword="null"/>.</param>
/// <param name="Lifetime">How long the PASID of an address space stays with it.</param>
/// <param name="Quirks">Which defects are reproduced.</param>
public sealed record KernelProfile(string Name, PasidLifetime Lifetime, KernelQuirks Quirks)
{
    internal const KernelQuirks AllQuirks =
        SeedQuirks | KernelQuirks.DrainWarnsOutsidePci | KernelQuirks.DrainSkipsOtherQueues;

    /// <summary>The quirks that decide what a host can come to; others decide what it does, and a snapshot goes with any of them.</summary>
    internal const KernelQuirks StateQuirks = AllQuirks & ~PageRequestQuirks;

    private const KernelQuirks PageRequestQuirks =
        KernelQuirks.ResponseLosesPrivateData
        | KernelQuirks.ResponseClaimsPrivateData
        | KernelQuirks.CallbackGetsPageNumber
        | KernelQuirks.UnknownPasidEndsThread
        | KernelQuirks.OverflowIsForEver
        | KernelQuirks.RequesterIdIsIdentity
        | KernelQuirks.DrainWarnsOutsidePci
        | KernelQuirks.DrainSkipsOtherQueues;

    private const KernelQuirks Linux56Quirks =
        KernelQuirks.UnsupportedDeviceReportsSuccess
        | KernelQuirks.FirstIommuFlushes
        | KernelQuirks.ZeroLimitWraps
        | KernelQuirks.NonCanonicalFaultLeaksUser
        | KernelQuirks.UnbindSkipsDrain
        | (PageRequestQuirks & ~(KernelQuirks.DrainWarnsOutsidePci | KernelQuirks.DrainSkipsOtherQueues));

    private const KernelQuirks SeedQuirks =
        Linux56Quirks
        | KernelQuirks.ExhaustionReportsSuccess
        | KernelQuirks.ForkCopiesPasid
        | KernelQuirks.PrivateAndSupervisorPasidsLeak
        | KernelQuirks.FreeNeedsEnqcmd
        | KernelQuirks.FailedRebindLeavesData
        | KernelQuirks.RebindSkipsWidthCheck;

    /// <summary>Gets the seed patch with its defects mended; what a new simulator wants.</summary>
    /// <value><see cref="PasidLifetime.AddressSpace"/>, <see cref="PageRequestRules.Linux510"/>, no quirks.</value>
    public static KernelProfile Default { get; } =
        new("default", PasidLifetime.AddressSpace, KernelQuirks.None) { PageRequests = PageRequestRules.Linux510 };

    /// <summary>Gets the seed patch as it was posted (x86/mmu: Allocate/free PASID, March 2020), on Linux 5.6.</summary>
    /// <value><see cref="PasidLifetime.AddressSpace"/>, and every quirk there is but those of the drain, which it does not have.</value>
    public static KernelProfile Seed { get; } = new("seed", PasidLifetime.AddressSpace, SeedQuirks);

    /// <summary>Gets Linux 5.6.</summary>
    /// <value><see cref="PasidLifetime.Binding"/>, the quirks that the seed patch inherited, and <see cref="EnqcmdSupport.Disabled"/>: this
    /// kernel knows nothing of the register, whatever the CPU has.</value>
    public static KernelProfile Linux56 { get; } = new("v5.6", PasidLifetime.Binding, Linux56Quirks) { Enqcmd = EnqcmdSupport.Disabled };

    /// <summary>Gets what the kernel does for programs that execute ENQCMD.</summary>
    /// <value>By default <see cref="EnqcmdSupport.LoadedOnFault"/>; a value of <see cref="EnqcmdSupport"/>.</value>
    public EnqcmdSupport Enqcmd { get; init; }

    /// <summary>Gets whose thread answers page requests.</summary>
    /// <value>By default <see cref="PageRequestRules.Linux56"/>.</value>
    public PageRequestRules PageRequests { get; init; }

    /// <summary>Gets a value indicating whether a tear-down first makes an entry not present, then flushes what is cached of it, and only then
    /// clears it, so that no IOMMU reads half of it.</summary>
    /// <value>By default <see langword="false"/>; with it <see cref="PageRequests"/> is <see cref="PageRequestRules.Linux58"/> or later.</value>
    /// <remarks>Models <c>intel_pasid_tear_down_entry</c> of kernels after 6.18.</remarks>
    public bool ClearsPresentFirst { get; init; }

    /// <summary>Gets a value indicating whether a tear-down flushes too, and makes the flush that follows later elsewhere needless.</summary>
    internal bool TearDownFlushes => PageRequests >= PageRequestRules.Linux58;

    /// <summary>Tells whether the profile reproduces a defect.</summary>
    /// <param name="quirk">One quirk or several.</param>
    /// <returns><see langword="true"/> if all of <paramref name="quirk"/> are reproduced.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="quirk"/> has undefined bits.</exception>
    public bool Has(KernelQuirks quirk)
    {
        // Each call of the library gives a constant, for which nothing is left of this.
        if ((quirk & ~AllQuirks) != 0)
        {
            ThrowUndefined(quirk);
        }

        return (Quirks & quirk) == quirk;
    }

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;

    private static void ThrowUndefined(KernelQuirks quirk) =>
        throw new ArgumentOutOfRangeException(nameof(quirk), quirk, $"Undefined bits are set: combine members of {nameof(KernelQuirks)}.");
}

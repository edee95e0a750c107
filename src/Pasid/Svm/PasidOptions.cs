using Pasid.Internal;

namespace Pasid;

/// <summary>The settings of one host: which kernel it runs, how many PASIDs it has, who watches.</summary>
/// <remarks>
/// <para>Read once, where it is handed in; later changes have no effect. Values that make no sense throw there, all of
/// them named in one message.</para>
/// <para>Not thread-safe; confine it to one thread until it is handed in.</para>
/// </remarks>
public sealed class PasidOptions
{
    /// <summary>Gets or sets the kernel that is modelled.</summary>
    /// <value>By default <see cref="KernelProfile.Default"/>.</value>
    public KernelProfile Profile { get; set; } = KernelProfile.Default;

    /// <summary>Gets or sets how many PASIDs the system has: a count, so that PASIDs stay below it.</summary>
    /// <value>0 to 1048576, by default 1048576.</value>
    /// <remarks>Models <c>intel_pasid_max_id</c>.</remarks>
    public int PasidLimit { get; set; } = IoasidRange.PasidLimit;

    /// <summary>Gets or sets a value indicating whether DMA remapping is switched off, so that no bind succeeds.</summary>
    /// <value>By default <see langword="false"/>.</value>
    /// <remarks>Models <c>dmar_disabled</c>.</remarks>
    public bool IsDmarDisabled { get; set; }

    /// <summary>Gets or sets a value indicating whether the CPU has ENQCMD and ENQCMDS. What the kernel does for programs that execute
    /// them is a matter of its profile (<see cref="KernelProfile.Enqcmd"/>).</summary>
    /// <value>By default <see langword="true"/>. Without them both are #UD; see also <see cref="KernelQuirks.FreeNeedsEnqcmd"/>.</value>
    /// <remarks>Models bit 29 of ECX of CPUID leaf 7.</remarks>
    public bool CpuHasEnqcmd { get; set; } = true;

    /// <summary>Gets or sets how many bits of an address the CPU uses: the others have to be like the highest of these.</summary>
    /// <value>48, or 57 with five levels of page tables; by default 48.</value>
    /// <remarks>Models <c>__VIRTUAL_MASK_SHIFT</c>.</remarks>
    public int AddressWidth { get; set; } = 48;

    /// <summary>Gets or sets what the host is called in logs and metrics, where there are several.</summary>
    /// <value>By default <see langword="null"/>: loggers and measurements name no host. Otherwise it ends the category of the
    /// loggers and is the value of the tag <c>pasid.host</c>. Half of a surrogate pair is refused.</value>
    public string? HostName { get; set; }

    /// <summary>Gets or sets who is told of each step.</summary>
    /// <value>By default <see langword="null"/>, which costs nothing.</value>
    public ISvmObserver? Observer { get; set; }

    /// <summary>Gets or sets who makes steps fail.</summary>
    /// <value>By default <see langword="null"/>: no step fails that need not.</value>
    public ISvmFaultInjector? FaultInjector { get; set; }

    internal void Validate(string parameterName)
    {
        List<string> errors = [];
        if (Profile is null)
        {
            errors.Add($"{nameof(Profile)} is null: give a profile, for example KernelProfile.Default.");
        }
        else
        {
            Validate(Profile, errors);
        }

        if (PasidLimit is < 0 or > IoasidRange.PasidLimit)
        {
            errors.Add($"{nameof(PasidLimit)} is {PasidLimit}: give 0 to {IoasidRange.PasidLimit}.");
        }

        if (AddressWidth is not (48 or 57))
        {
            errors.Add($"{nameof(AddressWidth)} is {AddressWidth}: give 48 or 57.");
        }

        CheckText(nameof(HostName), HostName, errors);
        if (errors.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', errors), parameterName);
        }
    }

    private static void Validate(KernelProfile profile, List<string> errors)
    {
        if (profile.Name is null)
        {
            errors.Add($"{nameof(Profile)}.{nameof(profile.Name)} is null: give what the profile is called in messages.");
        }

        CheckText($"{nameof(Profile)}.{nameof(profile.Name)}", profile.Name, errors);
        if (!Enum.IsDefined(profile.Lifetime))
        {
            errors.Add($"{nameof(Profile)}.{nameof(profile.Lifetime)} is {(int)profile.Lifetime}: give a value of {nameof(PasidLifetime)}.");
        }

        if (!Enum.IsDefined(profile.PageRequests))
        {
            errors.Add($"{nameof(Profile)}.{nameof(profile.PageRequests)} is {(int)profile.PageRequests}: give a value of {nameof(PageRequestRules)}.");
        }

        if (profile is { ClearsPresentFirst: true, PageRequests: PageRequestRules.Linux56 })
        {
            errors.Add($"{nameof(Profile)} has {nameof(profile.ClearsPresentFirst)}, and its tear-downs do not flush: set {nameof(profile.PageRequests)} to {nameof(PageRequestRules.Linux58)} or later.");
        }

        if (!Enum.IsDefined(profile.Enqcmd))
        {
            errors.Add($"{nameof(Profile)}.{nameof(profile.Enqcmd)} is {(int)profile.Enqcmd}: give a value of {nameof(EnqcmdSupport)}.");
        }

        if ((profile.Quirks & ~KernelProfile.AllQuirks) != 0)
        {
            errors.Add($"{nameof(Profile)}.{nameof(profile.Quirks)} has the undefined bits 0x{(int)(profile.Quirks & ~KernelProfile.AllQuirks):X}: combine members of {nameof(KernelQuirks)}.");
        }
    }

    private static void CheckText(string name, string? text, List<string> errors)
    {
        if (Names.FindBroken(text) is >= 0 and var broken)
        {
            errors.Add($"{name} has half of a surrogate pair at index {broken}: give text that is valid Unicode.");
        }
    }
}

using System.Diagnostics;
using System.Globalization;

namespace Pasid;

/// <summary>Tells of one step that a binder took.</summary>
/// <remarks>
/// <para>Which properties have a value depends on <see cref="Kind"/>; the others are <see langword="null"/> or default.
/// <c>default(SvmEvent)</c> tells of nothing (<see cref="SvmEventKind.None"/>).</para>
/// <para>Immutable; safe for concurrent use.</para>
/// </remarks>
[DebuggerDisplay("{ToString(),nq}")]
public readonly record struct SvmEvent
{
    /// <summary>The domain id that PASID-granular invalidations carry.</summary>
    /// <remarks>Models <c>FLPT_DEFAULT_DID</c>.</remarks>
    public const int DomainId = 1;

    internal SvmEvent(
        SvmEventKind kind,
        Ioasid pasid = default,
        SvmDevice? device = null,
        IIommu? iommu = null,
        AddressSpace? addressSpace = null,
        IoasidRange range = default,
        PasidStatus status = PasidStatus.Success)
    {
        Kind = kind;
        Pasid = pasid;
        Device = device;
        Iommu = iommu;
        AddressSpace = addressSpace;
        Range = range;
        Status = status;
    }

    /// <summary>Gets what kind of step it was.</summary>
    /// <value>Decides which other properties have a value.</value>
    public SvmEventKind Kind { get; }

    /// <summary>Gets how the step ended.</summary>
    /// <value>Other than <see cref="PasidStatus.Success"/> only for <see cref="SvmEventKind.PasidEnabled"/>,
    /// <see cref="SvmEventKind.Allocated"/>, <see cref="SvmEventKind.NotifierRegistered"/> and <see cref="SvmEventKind.EntrySetUp"/>.</value>
    public PasidStatus Status { get; }

    /// <summary>Gets the PASID of the step.</summary>
    /// <value>Of all kinds but <see cref="SvmEventKind.PasidEnabled"/>, the two of notifiers and
    /// <see cref="SvmEventKind.AddressSpaceDestroyed"/>.</value>
    public Ioasid Pasid { get; }

    /// <summary>Gets the range of an allocation.</summary>
    /// <value>Of <see cref="SvmEventKind.Allocated"/>.</value>
    public IoasidRange Range { get; }

    /// <summary>Gets the device of the step.</summary>
    /// <value>Of the kinds that concern an IOMMU.</value>
    public SvmDevice? Device { get; }

    /// <summary>Gets the IOMMU that was told; in flushes and in a tear-down at exit it may not be the device's own
    /// (<see cref="KernelQuirks.FirstIommuFlushes"/>).</summary>
    /// <value>Of the kinds that concern an IOMMU.</value>
    public IIommu? Iommu { get; }

    /// <summary>Gets the address space of the step.</summary>
    /// <value>Of the two kinds of notifiers, of <see cref="SvmEventKind.AddressSpaceDestroyed"/>, and of
    /// <see cref="SvmEventKind.EntrySetUp"/>, there <see langword="null"/> for the supervisor's own.</value>
    public AddressSpace? AddressSpace { get; }

    /// <summary>Gets a value indicating whether the IOMMU ignores faults of the entry from now on, because its process has exited and the
    /// device is still bound.</summary>
    /// <value>Of <see cref="SvmEventKind.EntryTornDown"/>.</value>
    /// <remarks>Models the <c>FPD</c> bit of a PASID entry.</remarks>
    public bool IgnoresFaults { get; internal init; }

    /// <summary>Gets the first address of the range that is no longer mapped.</summary>
    /// <value>Of <see cref="SvmEventKind.RangeInvalidated"/>.</value>
    public ulong FirstAddress { get; internal init; }

    /// <summary>Gets the last address of the range that is no longer mapped.</summary>
    /// <value>Of <see cref="SvmEventKind.RangeInvalidated"/>; included.</value>
    public ulong LastAddress { get; internal init; }

    /// <summary>Formats the step as one line of a trace, for example <c>tear_down iommu0 dev0 pasid=1</c>.</summary>
    /// <returns>The line; a step that failed ends with <c> = </c> and the kernel's error number.</returns>
    public override string ToString() => Kind switch
    {
        SvmEventKind.PasidEnabled => Line($"enable_pasid {Iommu?.Name} {Device}", Status),
        SvmEventKind.Allocated => Line($"ioasid_alloc {Range} -> {Pasid}"),
        SvmEventKind.DataSet => Line($"ioasid_set_data {Pasid} svm"),
        SvmEventKind.DataCleared => Line($"ioasid_set_data {Pasid} null"),
        SvmEventKind.Freed => Line($"ioasid_free {Pasid}"),
        SvmEventKind.NotifierRegistered => Line($"notifier_register {AddressSpace}", Status),
        SvmEventKind.NotifierUnregistered => Line($"notifier_unregister {AddressSpace}"),
        SvmEventKind.EntrySetUp when AddressSpace is null => Line($"setup {Iommu?.Name} {Device} pasid={Pasid} mm=init super=1", Status),
        SvmEventKind.EntrySetUp => Line($"setup {Iommu?.Name} {Device} pasid={Pasid} mm={AddressSpace} super=0", Status),
        SvmEventKind.EntryTornDown when IgnoresFaults => Line($"tear_down {Iommu?.Name} {Device} pasid={Pasid} fault_ignore"),
        SvmEventKind.EntryTornDown => Line($"tear_down {Iommu?.Name} {Device} pasid={Pasid}"),
        SvmEventKind.Flushed => Line($"flush {Device} pasid={Pasid}"),
        SvmEventKind.IotlbInvalidated => Line($"{Iommu?.Name} iotlb pasid={Pasid} did={DomainId}"),
        SvmEventKind.DeviceTlbInvalidated => Line($"{Iommu?.Name} dev_iotlb pasid={Pasid} sid={Device?.SourceId} qdep=0"),
        SvmEventKind.PageRequestsDrained => Line($"drain {Iommu?.Name} sid={Device?.SourceId} pasid={Pasid}"),
        SvmEventKind.PasidCacheInvalidated => Line($"{Iommu?.Name} pasid_cache pasid={Pasid} did={DomainId}"),
        SvmEventKind.PresentCleared => Line($"clear_present {Iommu?.Name} {Device} pasid={Pasid}"),
        SvmEventKind.KernelWarned => "warn",
        SvmEventKind.RangeInvalidated => Line($"invalidate {Device} pasid={Pasid} 0x{FirstAddress:X}..0x{LastAddress:X}"),
        SvmEventKind.AddressSpaceDestroyed => Line($"mm_destroy {AddressSpace}"),
        _ => string.Empty,
    };

    private static string Line(FormattableString line, PasidStatus status = PasidStatus.Success)
    {
        string text = line.ToString(CultureInfo.InvariantCulture);
        return status == PasidStatus.Success ? text : string.Create(CultureInfo.InvariantCulture, $"{text} = {(int)status}");
    }
}

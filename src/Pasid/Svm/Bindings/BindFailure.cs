namespace Pasid.Internal;

/// <summary>Why a bind failed: what happened, and who said so. Statuses alone do not tell, because IOMMUs and fault injectors answer any.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Point">The step that the fault injector made fail; meaningless for other kinds.</param>
/// <param name="ReportsSuccess">Whether a quirk makes the failure look like a success.</param>
internal readonly record struct BindFailure(BindFailureKind Kind, SvmFaultPoint Point = default, bool ReportsSuccess = false)
{
    public string Explain(PasidStatus status, SvmDevice device, AddressSpace? addressSpace) => Kind switch
    {
        BindFailureKind.NoIommu => $"The device '{device}' cannot be bound: it is behind no IOMMU. Give it one.",
        BindFailureKind.DmarDisabled => $"The device '{device}' cannot be bound: DMA remapping is off. Leave {nameof(PasidOptions)}.{nameof(PasidOptions.IsDmarDisabled)} alone to have it on.",
        BindFailureKind.NotSvmCapable => $"The IOMMU '{device.Iommu?.Name}' of the device '{device}' is not capable of SVM.",
        BindFailureKind.WidthUnknown => $"The device '{device}' cannot be bound: the PCI layer does not say how many PASIDs it tells apart. Give it a {nameof(SvmDevice.MaxPasids)} that is not negative.",
        BindFailureKind.NoSupervisorSupport => $"The device '{device}' cannot be bound to the supervisor: its IOMMU '{device.Iommu?.Name}' does not support that. Bind an address space.",
        BindFailureKind.HasLeft when addressSpace is { HasExited: false } => $"The processes of the address space '{addressSpace}' have left: bind one of a process that runs, whoever else uses it.",
        BindFailureKind.HasLeft => $"The address space '{addressSpace}' has exited: bind one that still has a user.",
        BindFailureKind.TooWide => $"The PASID of {(addressSpace is null ? "the supervisor" : $"the address space '{addressSpace}'")} is too wide for the device '{device}', which tells {device.MaxPasids} apart: bind the narrowest device first.",
        BindFailureKind.OtherCallbacks => $"The device '{device}' is bound to this PASID with other callbacks: give the same ones, or unbind first.",
        BindFailureKind.BoundTooOften => $"The device '{device}' is bound to this PASID as often as can be counted: unbind it first.",
        BindFailureKind.NoPasidSupport => $"The device '{device}' does not support PASIDs.",
        BindFailureKind.Exhausted => $"No PASID for the device '{device}': none is free below its limit and that of the host. Unbind something, or raise the limit.",
        BindFailureKind.RememberedRefused when status != PasidStatus.NotFound => $"Binding the device '{device}' failed with {status}, which the allocator answered for the PASID that the address space '{addressSpace}' remembers.",
        BindFailureKind.RememberedRefused => $"The PASID that the address space '{addressSpace}' remembers was freed behind the binder's back: leave the PASIDs of a binder to it.",
        BindFailureKind.EnableRefused => $"Binding the device '{device}' failed with {status}, which its IOMMU '{device.Iommu?.Name}' answered when it was to enable PASIDs.",
        BindFailureKind.SetUpRefused => $"Binding the device '{device}' failed with {status}, which its IOMMU '{device.Iommu?.Name}' answered when it was to set up the PASID entry.",
        BindFailureKind.Injected => $"Binding the device '{device}' failed with {status}, which the fault injector answered at {Point}.",
        _ => $"Binding the device '{device}' failed with {status}.",
    };
}

/// <summary>What made a bind fail; see <see cref="BindFailure"/>.</summary>
internal enum BindFailureKind : byte
{
    None,
    NoIommu,
    DmarDisabled,
    NotSvmCapable,
    WidthUnknown,
    NoSupervisorSupport,
    HasLeft,
    TooWide,
    OtherCallbacks,
    BoundTooOften,
    NoPasidSupport,
    Exhausted,

    /// <summary>The allocator does not take data for the remembered PASID.</summary>
    RememberedRefused,
    EnableRefused,
    SetUpRefused,
    Injected,
}

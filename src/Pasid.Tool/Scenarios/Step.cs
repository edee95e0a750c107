namespace Pasid.Tool.Scenarios;

/// <summary>What every step has.</summary>
/// <param name="Line">Where it stands in its file, from 1.</param>
/// <param name="Op">The operation.</param>
/// <param name="Note">A remark to show before the step.</param>
/// <param name="Expected">The expected answers, in the order in which they are compared.</param>
internal sealed record StepInfo(int Line, string Op, string? Note, IReadOnlyList<Answer> Expected);

/// <summary>One line of a scenario: one call, and what it is expected to answer.</summary>
internal abstract record Step(StepInfo Info);

internal sealed record AllocateStep(StepInfo Info, string? Set, IoasidRange Range, string? Data) : Step(Info);

internal sealed record FreeStep(StepInfo Info, Ioasid Id) : Step(Info);

internal sealed record GetStep(StepInfo Info, Ioasid Id) : Step(Info);

internal sealed record PutStep(StepInfo Info, Ioasid Id) : Step(Info);

internal sealed record SetDataStep(StepInfo Info, Ioasid Id, string? Data) : Step(Info);

internal sealed record FindStep(StepInfo Info, string? Set, Ioasid Id, bool? Getter) : Step(Info);

internal sealed record RegisterStep(StepInfo Info, string CustomAllocator) : Step(Info);

internal sealed record UnregisterStep(StepInfo Info, string CustomAllocator) : Step(Info);

internal sealed record LiveStep(StepInfo Info) : Step(Info);

internal sealed record BindStep(
    StepInfo Info,
    string Device,
    string AddressSpace,
    bool WantsPasid,
    SvmBindFlags Flags,
    string? Callbacks,
    SvmFaultPoint? Fault) : Step(Info);

internal sealed record UnbindStep(StepInfo Info, string Device, Ioasid Pasid) : Step(Info);

internal sealed record IsValidStep(StepInfo Info, string Device, Ioasid Pasid) : Step(Info);

internal sealed record ExitStep(StepInfo Info, string AddressSpace) : Step(Info);

/// <summary>A fork of a whole process.</summary>
internal sealed record ForkStep(StepInfo Info, string AddressSpace, string Child, bool Fails) : Step(Info);

/// <summary>An exec, of a whole process or, if one is named, by a thread that goes on in the new address space.</summary>
internal sealed record ExecStep(StepInfo Info, string AddressSpace, string? Thread, string Next) : Step(Info);

internal sealed record ThreadStep(StepInfo Info, string AddressSpace, string Thread) : Step(Info);

internal sealed record ThreadExitStep(StepInfo Info, string Thread) : Step(Info);

internal sealed record MapPortalStep(StepInfo Info, string AddressSpace, string WorkQueue, ulong Address) : Step(Info);

internal sealed record UnmapPortalStep(StepInfo Info, string AddressSpace, ulong Address) : Step(Info);

/// <summary>A region of an address space, and what becomes of the faults in it; see <see cref="Faults"/>.</summary>
internal sealed record MapRegionStep(StepInfo Info, string AddressSpace, AddressRegion Region, string Fault) : Step(Info);

internal sealed record CoreDumpStep(StepInfo Info, string AddressSpace, bool IsOn) : Step(Info);

/// <summary>ENQCMD, or ENQCMDS if it <see cref="IsSupervisors"/>, with the first four bytes of the command.</summary>
internal sealed record EnqcmdStep(StepInfo Info, string Thread, ulong Address, CpuPrivilege Privilege, bool IsSupervisors, uint Head) : Step(Info);

internal sealed record ConfigureStep(StepInfo Info, string WorkQueue, Ioasid Pasid) : Step(Info);

internal sealed record Movdir64BStep(StepInfo Info, string Thread, ulong Address) : Step(Info);

internal sealed record CompleteStep(StepInfo Info, string WorkQueue) : Step(Info);

internal sealed record PageRequestStep(StepInfo Info, PageRequestFields Request) : Step(Info);

/// <summary>A page request, of a device behind an IOMMU.</summary>
internal sealed record PageRequestFields(string Device, Ioasid? Pasid, ulong Address, PageRequestRights Rights, int Group, bool IsLast, UInt128? PrivateData);

/// <summary>One run of the thread of a queue.</summary>
/// <param name="Info">What every step has.</param>
/// <param name="Iommu">Whose queue it is; <see langword="null"/> for all, one after the other.</param>
/// <param name="Arriving">What comes in right after the first response.</param>
internal sealed record ProcessStep(StepInfo Info, string? Iommu, IReadOnlyList<PageRequestFields>? Arriving) : Step(Info);

internal sealed record SnapshotStep(StepInfo Info) : Step(Info);

internal sealed record RestoreStep(StepInfo Info) : Step(Info);

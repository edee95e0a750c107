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

internal sealed record ForkStep(StepInfo Info, string AddressSpace, string Child) : Step(Info);

internal sealed record ExecStep(StepInfo Info, string AddressSpace, string Next) : Step(Info);

internal sealed record SnapshotStep(StepInfo Info) : Step(Info);

internal sealed record RestoreStep(StepInfo Info) : Step(Info);

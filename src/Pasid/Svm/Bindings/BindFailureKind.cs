namespace Pasid.Internal;

/// <summary>What made a bind fail; see <see cref="BindFailure"/>.</summary>
internal enum BindFailureKind : byte
{
    None,
    NoIommu,
    DmarDisabled,
    NotSvmCapable,
    WidthUnknown,
    NoSupervisorSupport,
    HasExited,
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

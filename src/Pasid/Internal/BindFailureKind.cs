namespace Pasid.Internal;

/// <summary>What made a bind fail; see <see cref="BindFailure"/>.</summary>
internal enum BindFailureKind
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

    /// <summary>The remembered PASID is not allocated any more.</summary>
    Forgotten,
    EnableRefused,
    SetUpRefused,
    Injected,
}

namespace Pasid.Internal;

/// <summary>
/// The ids of log events, in bands: 1000 the allocator, 1100 custom allocators, 2000 bind and unbind, 2100 the life of
/// address spaces and binders, 3000 callbacks, 4000 snapshots, 5000 ENQCMD, 5100 page requests. An id is never given another meaning.
/// </summary>
internal static class EventIds
{
    public const int Allocated = 1000;
    public const int Freed = 1001;
    public const int NoFreeId = 1002;
    public const int IdNotAllocated = 1003;
    public const int IdStillReferenced = 1004;

    public const int CustomAllocatorRegistered = 1100;
    public const int CustomAllocatorRefused = 1101;
    public const int CustomAllocatorUnregistered = 1102;
    public const int CustomAllocatorUnknown = 1103;
    public const int IdsOrphaned = 1104;

    public const int Bound = 2000;
    public const int BindFailed = 2001;
    public const int FailureReportedAsSuccess = 2002;
    public const int Unbound = 2003;
    public const int UnbindFailed = 2004;
    public const int PasidEnabled = 2005;
    public const int EnableFailed = 2006;

    public const int AddressSpaceExited = 2100;
    public const int AddressSpaceDestroyed = 2101;
    public const int PasidLeaked = 2102;
    public const int AddressSpaceForked = 2103;
    public const int BinderDisposed = 2104;

    public const int CallbackThrew = 3000;

    public const int SnapshotCaptured = 4000;
    public const int SnapshotRestored = 4001;
    public const int SnapshotRefused = 4002;

    public const int PasidLoaded = 5000;
    public const int InstructionFaulted = 5001;

    public const int PageRequestAnswered = 5100;
    public const int PageRequestOfNobody = 5101;
    public const int PageRequestOverflowed = 5102;
    public const int PageRequestRefused = 5103;
    public const int PageRequestThreadDied = 5104;
}

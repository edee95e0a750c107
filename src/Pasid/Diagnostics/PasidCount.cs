namespace Pasid.Internal;

/// <summary>Names what is counted of a host and never taken back.</summary>
internal enum PasidCount
{
    Allocations,
    Frees,
    AllocatorFailures,
    Binds,
    Unbinds,
    BinderFailures,
    Commands,
    Retries,
    Faults,
    Fixups,
    Requests,
    Responses,
    Overflows,
}

namespace Pasid.Internal;

/// <summary>Whose figures a meter reports: a binder and its allocator.</summary>
internal interface IMeteredHost
{
    /// <summary>Gets where its PASIDs come from; other hosts may have the same.</summary>
    IIoasidAllocator Allocator { get; }

    /// <summary>Gets a value indicating whether it is disposed, and reports no more.</summary>
    bool IsDisposed { get; }

    /// <summary>Gets what it has done so far, and what it holds.</summary>
    SvmStatistics GetStatistics();
}

namespace Pasid.Internal;

/// <summary>
/// An allocator that logs, as its binder sees it: the same ids, but no messages. They would be written while the binder's
/// gate is held; the binder writes its own once it is left.
/// </summary>
internal sealed class UnloggedAllocator(IoasidAllocator allocator) : IIoasidAllocator
{
    public long LiveCount => allocator.LiveCount;

    public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id) =>
        allocator.TryAllocateUnlogged(range, ioasidSet, data, out id);

    public PasidStatus Free(Ioasid id) => allocator.FreeUnlogged(id);

    public PasidStatus AddReference(Ioasid id) => allocator.AddReferenceUnlogged(id);

    public IoasidRelease DropReference(Ioasid id) => allocator.DropReferenceUnlogged(id);

    public PasidStatus SetData(Ioasid id, object? data) => allocator.SetDataUnlogged(id, data);

    public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data) =>
        allocator.Lookup(id, ioasidSet, predicate, out data);

    public bool TryFindLive(Ioasid from, out Ioasid id) => allocator.TryFindLive(from, out id);
}

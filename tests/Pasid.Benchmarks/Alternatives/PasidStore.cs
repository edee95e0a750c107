namespace Pasid.Benchmarks.Alternatives;

/// <summary>The library, through its public interface.</summary>
internal readonly struct PasidStore(IIoasidAllocator allocator, uint minimum = 1) : IIdStore
{
    private readonly IoasidRange _range = new(minimum, IoasidRange.PasidLimit - 1);

    public uint Allocate(object owner, object data)
    {
        allocator.TryAllocate(_range, (IoasidSet)owner, data, out Ioasid id);
        return id.Value;
    }

    public void Free(uint id) => allocator.Free(new Ioasid(id));

    public object? Find(uint id, object owner)
    {
        allocator.Lookup(new Ioasid(id), (IoasidSet)owner, null, out object? data);
        return data;
    }
}

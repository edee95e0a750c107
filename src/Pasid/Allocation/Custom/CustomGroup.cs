namespace Pasid.Internal;

/// <summary>
/// The custom allocators with one pair of functions, and their common id space. Its founder's private data is used
/// for every call, even after the founder has left. The members are guarded by the registry's gate, the id space by
/// its own, which is held while the functions run.
/// </summary>
internal sealed class CustomGroup
{
    public CustomGroup(CustomIoasidAllocator founder)
    {
        Founder = founder;
        Table = new IoasidTable(this, isLogged: false, IoasidReusePolicy.LowestFirst);
        Members.Add(founder);
    }

    public CustomIoasidAllocator Founder { get; }

    public IoasidTable Table { get; }

    public List<CustomIoasidAllocator> Members { get; } = [];

    /// <summary>Lets the functions choose an id, and records it; the gate is held.</summary>
    /// <returns>The id, or -1.</returns>
    public long Allocate(IoasidRange range, IoasidSet? ioasidSet, object? data)
    {
        Ioasid chosen = Founder.Functions.Allocate(range, Founder.PrivateData);
        if (!chosen.IsValid)
        {
            return -1;
        }

        bool isRecorded = false;
        try
        {
            isRecorded = range.Contains(chosen) && Table.InsertUnsynchronized(chosen.Value, ioasidSet, data);
        }
        finally
        {
            if (!isRecorded)
            {
                Free(chosen.Value);
            }
        }

        return isRecorded ? chosen.Value : -1;
    }

    public void Free(uint id) => Founder.Functions.Free(new Ioasid(id), Founder.PrivateData);
}

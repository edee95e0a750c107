using System.Diagnostics;

namespace Pasid.Internal;

/// <summary>
/// The custom allocators with one pair of functions, and their common id space. Its founder's private data is used
/// for every call, even after the founder has left. The members are guarded by the registry's gate, the id space by
/// the group's own, which is held while the functions run.
/// </summary>
internal sealed class CustomGroup
{
    private readonly List<CustomIoasidAllocator> _members = [];
    private Gate _gate = new();

    public CustomGroup(CustomIoasidAllocator founder)
    {
        Founder = founder;
        Table = new IoasidTable(this, isLogged: false, IoasidReusePolicy.LowestFirst);
        _members.Add(founder);
    }

    public CustomIoasidAllocator Founder { get; }

    public IoasidTable Table { get; }

    public bool IsEnteredByCurrentThread => _gate.IsHeldByCurrentThread;

    public bool IsLastMember => _members.Count == 1;

    public void Enter() => _gate.EnterAsOwner("The allocator");

    public void Leave() => _gate.Leave();

    /// <inheritdoc cref="Gate.AssertHeld"/>
    [Conditional("DEBUG")]
    public void AssertHeld() => _gate.AssertHeld();

    public bool Contains(CustomIoasidAllocator customAllocator) => _members.Contains(customAllocator);

    public void Join(CustomIoasidAllocator customAllocator) => _members.Add(customAllocator);

    public bool Leave(CustomIoasidAllocator customAllocator) => _members.Remove(customAllocator);

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

using Pasid.Tests.Support;

namespace Pasid.Tests.Models;

/// <summary>The naive allocator with the kernel's rules of custom allocators around it.</summary>
internal sealed class NaiveAllocator(IoasidReusePolicy policy) : IIoasidAllocator, ICustomIoasidRegistry
{
    private readonly NaiveIoasidAllocator _default = new(policy);
    private readonly List<Group> _groups = [];

    public long LiveCount => Table.LiveCount;

    private Group? Active => _groups.FirstOrDefault();

    private NaiveIoasidAllocator Table => Active?.Table ?? _default;

    public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        if (Active is not { } group)
        {
            return _default.TryAllocate(range, ioasidSet, data, out id);
        }

        id = group.Functions.Allocate(range, privateData: null);
        if (id.IsValid && !group.Table.TryAllocate(new IoasidRange(id.Value, id.Value), ioasidSet, data, out _))
        {
            group.Functions.Free(id, privateData: null);
            id = Ioasid.Invalid;
        }

        return id.IsValid;
    }

    public PasidStatus Free(Ioasid id)
    {
        PasidStatus status = Table.Free(id);
        if (status == PasidStatus.Success)
        {
            Active?.Functions.Free(id, privateData: null);
        }

        return status;
    }

    public PasidStatus AddReference(Ioasid id) => Table.AddReference(id);

    public IoasidRelease DropReference(Ioasid id)
    {
        IoasidRelease release = Table.DropReference(id);
        if (release == IoasidRelease.Freed)
        {
            Active?.Functions.Free(id, privateData: null);
        }

        return release;
    }

    public PasidStatus SetData(Ioasid id, object? data) => Table.SetData(id, data);

    public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data) =>
        Table.Lookup(id, ioasidSet, predicate, out data);

    public bool TryFindLive(Ioasid from, out Ioasid id) => Table.TryFindLive(from, out id);

    public PasidStatus Register(CustomIoasidAllocator customAllocator)
    {
        if (_groups.Count == 0 && _default.LiveCount != 0)
        {
            return PasidStatus.TryAgain;
        }

        if (_groups.Exists(group => group.Founder == customAllocator || group.Members.Contains(customAllocator)))
        {
            return PasidStatus.AlreadyExists;
        }

        if (Find(customAllocator) is { } joined)
        {
            joined.Members.Add(customAllocator);
        }
        else
        {
            _groups.Add(new Group(customAllocator));
        }

        return PasidStatus.Success;
    }

    public PasidStatus Unregister(CustomIoasidAllocator customAllocator)
    {
        Group? group = Find(customAllocator);
        bool hasLeft = group is { Members.Count: 1 } ? _groups.Remove(group) : group is not null && group.Members.Remove(customAllocator);
        return hasLeft ? PasidStatus.Success : PasidStatus.NotFound;
    }

    private Group? Find(CustomIoasidAllocator customAllocator) => _groups.Find(group => group.Functions == customAllocator.Functions);

    private sealed class Group(CustomIoasidAllocator founder)
    {
        public CustomIoasidAllocator Founder { get; } = founder;

        public ICustomIoasidFunctions Functions { get; } = founder.Functions;

        public List<CustomIoasidAllocator> Members { get; } = [founder];

        public NaiveIoasidAllocator Table { get; } = new();
    }
}

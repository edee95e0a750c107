using Pasid.Internal;

namespace Pasid;

public sealed partial class IoasidAllocator
{
    private readonly Gate _registryGate = new();

    /// <summary>The groups in the order of their first registration; the head is active. Empty: the default table is.</summary>
    private readonly List<CustomGroup> _groups = [];

    /// <summary>The table that serves while no custom allocator is registered.</summary>
    private readonly IoasidTable _default;

    /// <summary>Makes an empty allocator.</summary>
    public IoasidAllocator() => _default = _active;

    /// <inheritdoc/>
    public PasidStatus Register(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        ThrowIfInsideFunction(Volatile.Read(ref _active));
        _registryGate.Enter();
        try
        {
            if (_groups.Count == 0)
            {
                return TryReplaceDefault(customAllocator) ? PasidStatus.Success : PasidStatus.TryAgain;
            }

            foreach (CustomGroup group in _groups)
            {
                if (ReferenceEquals(group.Founder, customAllocator) || group.Contains(customAllocator))
                {
                    return PasidStatus.AlreadyExists;
                }

                if (ReferenceEquals(group.Founder.Functions, customAllocator.Functions))
                {
                    group.Join(customAllocator);
                    return PasidStatus.Success;
                }
            }

            _groups.Add(new CustomGroup(customAllocator));
            return PasidStatus.Success;
        }
        finally
        {
            _registryGate.Exit();
        }
    }

    /// <inheritdoc/>
    public PasidStatus Unregister(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        ThrowIfInsideFunction(Volatile.Read(ref _active));
        _registryGate.Enter();
        try
        {
            CustomGroup? group = _groups.Find(g => ReferenceEquals(g.Founder.Functions, customAllocator.Functions));
            if (group is null)
            {
                return PasidStatus.NotFound;
            }

            if (!group.IsLastMember)
            {
                return group.Leave(customAllocator) ? PasidStatus.Success : PasidStatus.NotFound;
            }

            _groups.Remove(group);
            if (ReferenceEquals(group.Table, _active))
            {
                Activate(_groups.Count == 0 ? _default : _groups[0].Table);
            }

            return PasidStatus.Success;
        }
        finally
        {
            _registryGate.Exit();
        }
    }

    /// <summary>Lets the functions of the active group choose an id; its gate is held.</summary>
    private static bool TryAllocateCustom(CustomGroup group, IoasidRange range, IoasidSet? ioasidSet, object? data, out uint id)
    {
        Ioasid chosen = group.Allocate(range);
        id = chosen.Value;
        if (!chosen.IsValid)
        {
            return false;
        }

        bool isRecorded = false;
        try
        {
            isRecorded = range.Contains(chosen) && group.Table.TryInsertUnsynchronized(id, ioasidSet, data);
        }
        finally
        {
            if (!isRecorded)
            {
                group.Free(id);
            }
        }

        return isRecorded;
    }

    private static void ThrowIfInsideFunction(IoasidTable table)
    {
        if (table.Group is not null && table.Gate.IsHeldByCurrentThread)
        {
            Throw.CalledFromCallback("The allocator");
        }
    }

    private bool TryReplaceDefault(CustomIoasidAllocator founder)
    {
        var group = new CustomGroup(founder);
        _default.Gate.Enter();
        try
        {
            if (_default.LiveCount != 0)
            {
                return false;
            }

            _groups.Add(group);
            Volatile.Write(ref _active, group.Table);
            return true;
        }
        finally
        {
            _default.Gate.Exit();
        }
    }

    private void Activate(IoasidTable table)
    {
        Gate gate = _active.Gate;
        gate.Enter();
        try
        {
            Volatile.Write(ref _active, table);
        }
        finally
        {
            gate.Exit();
        }
    }
}

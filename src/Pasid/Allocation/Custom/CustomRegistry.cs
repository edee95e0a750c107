namespace Pasid.Internal;

/// <summary>The groups of custom allocators of one allocator, and the table that serves without any. Guarded by its gate.</summary>
internal sealed class CustomRegistry(IoasidTable defaultTable)
{
    private Gate _gate = new();
    private IoasidTable _defaultTable = defaultTable;

    /// <summary>Gets or sets the table that serves without any group; read without the gate by those who look again.</summary>
    public IoasidTable DefaultTable
    {
        get => Volatile.Read(ref _defaultTable);
        set => Volatile.Write(ref _defaultTable, value);
    }

    /// <summary>Gets the groups in the order of their first registration; the head is active.</summary>
    private List<CustomGroup> Groups { get; } = [];

    /// <summary>Enters, unless a function of the active table is asking, for which an unregistration waits inside.</summary>
    public GateTurn Enter(IoasidTable active)
    {
        if (active.IsInsideFunction)
        {
            Throw.CalledFromCallback("The allocator");
        }

        _gate.EnterAsOwner("The allocator");
        return new GateTurn(ref _gate);
    }

    /// <inheritdoc cref="ICustomIoasidRegistry.Register"/>
    public PasidStatus Register(ref ActiveTable active, CustomIoasidAllocator customAllocator)
    {
        using GateTurn turn = Enter(active.Table!);
        if (Groups.Count == 0)
        {
            return TryReplaceDefault(ref active, customAllocator) ? PasidStatus.Success : PasidStatus.TryAgain;
        }

        foreach (CustomGroup group in Groups)
        {
            if (ReferenceEquals(group.Founder, customAllocator) || group.Members.Contains(customAllocator))
            {
                return PasidStatus.AlreadyExists;
            }

            if (ReferenceEquals(group.Founder.Functions, customAllocator.Functions))
            {
                group.Members.Add(customAllocator);
                return PasidStatus.Success;
            }
        }

        Groups.Add(new CustomGroup(customAllocator));
        return PasidStatus.Success;
    }

    /// <inheritdoc cref="ICustomIoasidRegistry.Unregister"/>
    public PasidStatus Unregister(ref ActiveTable active, CustomIoasidAllocator customAllocator, out long orphans)
    {
        orphans = 0;
        using GateTurn turn = Enter(active.Table!);
        CustomGroup? group = Groups.Find(g => ReferenceEquals(g.Founder.Functions, customAllocator.Functions));
        if (group is null)
        {
            return PasidStatus.NotFound;
        }

        if (group.Members.Count != 1)
        {
            return group.Members.Remove(customAllocator) ? PasidStatus.Success : PasidStatus.NotFound;
        }

        Groups.Remove(group);
        if (ReferenceEquals(group.Table, active.Table))
        {
            // A call that is under way in the functions goes to its end first.
            group.Table.Enter();
            orphans = group.Table.Counts.Live;
            active.Activate(Groups.Count == 0 ? DefaultTable : Groups[0].Table, group.Table);
            group.Table.Leave();
        }

        return PasidStatus.Success;
    }

    private bool TryReplaceDefault(ref ActiveTable active, CustomIoasidAllocator founder)
    {
        var group = new CustomGroup(founder);
        Groups.Add(group);
        DefaultTable.Enter();
        bool isEmpty = DefaultTable.Counts.Live == 0;
        if (isEmpty)
        {
            Volatile.Write(ref active.Table, group.Table);
        }

        DefaultTable.Leave();
        if (!isEmpty)
        {
            Groups.Clear();
        }

        return isEmpty;
    }
}

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
    public List<CustomGroup> Groups { get; } = [];

    public void Enter() => _gate.EnterAsOwner("The allocator");

    public void Leave() => _gate.Leave();
}

namespace Pasid.Internal;

/// <summary>The groups of custom allocators of one allocator, and the table that serves without any. Guarded by its gate.</summary>
internal sealed class CustomRegistry(IoasidTable defaultTable)
{
    private Gate _gate = new();

    public IoasidTable DefaultTable { get; } = defaultTable;

    /// <summary>Gets the groups in the order of their first registration; the head is active.</summary>
    public List<CustomGroup> Groups { get; } = [];

    public void Enter() => _gate.EnterAsOwner("The allocator");

    public void Exit() => _gate.Exit();
}

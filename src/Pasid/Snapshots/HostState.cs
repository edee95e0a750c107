namespace Pasid.Internal;

/// <summary>The state of a host as objects, copied inside the gates so that it can be named outside.</summary>
internal sealed class HostState
{
    public List<IoasidTable.LiveId> Ids { get; set; } = [];

    /// <summary>Gets or sets where a cyclic search for an id begins.</summary>
    public uint NextId { get; set; }

    /// <summary>Gets or sets the ids that are held back, oldest first.</summary>
    public uint[] HeldIds { get; set; } = [];

    /// <summary>Gets the address spaces, newest first.</summary>
    public List<Space> AddressSpaces { get; } = [];

    /// <summary>Gets or sets the bindings, oldest first.</summary>
    public List<Binding> Bindings { get; set; } = [];

    public List<Ioasid> Leaked { get; } = [];

    /// <summary>Gets what waits in each queue.</summary>
    public List<Queue> Queues { get; } = [];

    internal readonly record struct Queue(PageRequest[] Requests, bool HasOverflowed);

    internal readonly record struct Space(
        AddressSpace AddressSpace,
        Ioasid Pasid,
        bool HasLeft,
        int ExtraUsers,
        int LeakedUsers,
        int ExtraPins,
        (string Name, PasidMsr Msr)[] Threads,
        KeyValuePair<ulong, IEnqcmdPortal>[] Portals);

    internal readonly record struct Binding(SvmRecord Record, Ioasid Pasid, SvmDevice FirstDevice, List<SvmDeviceInfo> Devices);
}

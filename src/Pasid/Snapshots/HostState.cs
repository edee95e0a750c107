namespace Pasid.Internal;

/// <summary>The state of a host as objects, copied inside the gates so that it can be named outside: address spaces newest first, bindings
/// and ids that are held back oldest first, and where a cyclic search for an id begins.</summary>
internal sealed record HostState(
    List<HostState.Space> AddressSpaces, List<HostState.Binding> Bindings, List<Ioasid> Leaked, List<RequestRingState> Queues, List<IoasidTable.LiveId> Ids, uint NextId, uint[] HeldIds)
{
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

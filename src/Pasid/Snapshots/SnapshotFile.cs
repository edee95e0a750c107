namespace Pasid.Internal;

/// <summary>
/// The format of a snapshot, version 2: what stands in a file, under the names that the keys have there. A property that is no parameter
/// is the key of version 1 for the one that it sets, and is set to <see langword="null"/> where a file does not have it; which file may
/// have which, <see cref="SnapshotKeys"/> knows.
/// </summary>
/// <remarks>Ids ascend; address spaces are those that have a PASID or a binding, in the order in which they came to have one; bindings and
/// ids that are held back come oldest first, leaks in the order of their loss, queues in that of their attachment. Ids name their owner
/// and their binding by index, bindings their address space. The counts detect a file that was cut. The search of
/// <see cref="IoasidReusePolicy.Cyclic"/> begins at the next id, which is 0 under other policies.</remarks>
internal sealed record SnapshotFile(
    int FormatVersion,
    PasidLifetime Lifetime,
    KernelQuirks Quirks,
    int LiveCount,
    int BindingCount,
    IReadOnlyList<string> Owners,
    IReadOnlyList<IdEntry> Ids,
    IReadOnlyList<AddressSpaceEntry> AddressSpaces,
    IReadOnlyList<BindingEntry> Bindings,
    IReadOnlyList<uint> LeakedPasids,
    uint NextId = 0,
    IReadOnlyList<uint>? HeldBackIds = null,
    IReadOnlyList<QueueEntry>? Queues = null)
{
    /// <summary>Gets nothing: the deserializer reads no list that can only be set.</summary>
    public IReadOnlyList<uint>? HeldIds { get => null; init => HeldBackIds = value ?? HeldBackIds; }
}

/// <summary>A live id. At most one of the last three says what its data is: the index of a binding, whether it is one that is over, as
/// <see cref="KernelQuirks.FailedRebindLeavesData"/> leaves it, or what <see cref="PasidSnapshotMap.NameData"/> called it.</summary>
internal sealed record IdEntry(uint Id, long References, int? Owner = null, int? Binding = null, bool HasStaleBinding = false, string? Data = null)
{
    public bool? IsStale { init => HasStaleBinding = value ?? HasStaleBinding; }
}

/// <summary>An address space. Its process may have left while others use it: those who came by <see cref="AddressSpace.TryAddUser"/>, of
/// whom page requests may have left some behind (<see cref="KernelQuirks.NonCanonicalFaultLeaksUser"/>). Threads are in the order in
/// which they were made, portals lowest first.</summary>
internal sealed record AddressSpaceEntry(
    string Name, uint? Pasid = null, bool HasLeft = false, int ExtraUsers = 0, int LeakedUsers = 0, int ExtraPins = 0, IReadOnlyList<ThreadEntry>? Threads = null, IReadOnlyList<PortalEntry>? Portals = null)
{
    public bool? HasExited { init => HasLeft = value ?? HasLeft; }

    public int? Guests { init => ExtraUsers = value ?? ExtraUsers; }
}

/// <summary>A thread of a process, with what is in its IA32_PASID register.</summary>
internal sealed record ThreadEntry(string Name, ulong Msr = 0);

/// <summary>A portal that a process has mapped, and where.</summary>
internal sealed record PortalEntry(ulong Address, string Portal);

/// <summary>A binding: the supervisor's own without an address space. The device that was bound first may be bound no more; see
/// <see cref="KernelQuirks.FirstIommuFlushes"/>. There is at least one device, the one bound last first.</summary>
internal sealed record BindingEntry(uint Pasid, int? AddressSpace, SvmBindFlags Flags, string FirstDevice, IReadOnlyList<DeviceEntry> Devices);

/// <summary>A device of a binding, with how many binds are not undone yet, at least 1.</summary>
internal sealed record DeviceEntry(string Device, long Binds, string? Callbacks = null)
{
    public long? Users { init => Binds = value ?? Binds; }
}

/// <summary>A page request queue: what waits, oldest first, and its registers; the tail follows from the head. A file of version 1 does not
/// say whose queue it is.</summary>
internal sealed record QueueEntry(
    IReadOnlyList<RequestEntry> Requests, bool HasOverflowed = false, string? Iommu = null, int Head = 0, bool IsPending = false, bool IsDead = false);

/// <summary>A page request that waits, as it was asked; the private data in decimal digits.</summary>
internal sealed record RequestEntry(
    string Device, uint? Pasid = null, ulong Address = 0, PageRequestRights Rights = PageRequestRights.None, int GroupIndex = 0, bool IsLastInGroup = false, string? PrivateData = null);

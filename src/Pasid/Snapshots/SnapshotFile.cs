namespace Pasid.Internal;

/// <summary>
/// The format of a snapshot, version 2: what stands in a file, under the names that the keys have there. A property that is no parameter
/// is the key of version 1 for the one that it sets, and is set to <see langword="null"/> where a file does not have it; which file may
/// have which, <see cref="SnapshotKeys"/> knows.
/// </summary>
/// <param name="FormatVersion">The version of the format.</param>
/// <param name="Lifetime">The lifetime of the profile that the host had.</param>
/// <param name="Quirks">The quirks of the profile that the host had.</param>
/// <param name="LiveCount">How many ids are live: the length of <paramref name="Ids"/>, to detect a file that was cut.</param>
/// <param name="BindingCount">How many bindings there are: the length of <paramref name="Bindings"/>.</param>
/// <param name="Owners">The names of the owners of ids; ids refer to them by index.</param>
/// <param name="Ids">The live ids, ascending.</param>
/// <param name="AddressSpaces">The address spaces that have a PASID or a binding, in the order in which they came to have one.</param>
/// <param name="Bindings">The bindings, oldest first.</param>
/// <param name="LeakedPasids">The PASIDs that a quirk kept from being freed, in the order of their loss.</param>
/// <param name="NextId">Where the search of <see cref="IoasidReusePolicy.Cyclic"/> begins; 0 under other policies.</param>
/// <param name="HeldBackIds">The ids that <see cref="IoasidReusePolicy.Quarantine"/> holds back, oldest first; <see langword="null"/> for none.</param>
/// <param name="Queues">The page request queues, in the order in which they were attached; <see langword="null"/> for none.</param>
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
    public IReadOnlyList<uint>? HeldIds
    {
        get => null;
        init => HeldBackIds = value ?? HeldBackIds;
    }
}

/// <summary>A live id. At most one of the last three says what its data is; none for no data.</summary>
/// <param name="Id">The id, 0 to 4294967294.</param>
/// <param name="References">How many references it has, at least 1.</param>
/// <param name="Owner">The index of its owner; <see langword="null"/> for none.</param>
/// <param name="Binding">The index of the binding that its data is.</param>
/// <param name="HasStaleBinding">Whether its data is a binding that is over, as <see cref="KernelQuirks.FailedRebindLeavesData"/> leaves it.</param>
/// <param name="Data">What <see cref="PasidSnapshotMap.NameData"/> called its data.</param>
internal sealed record IdEntry(uint Id, long References, int? Owner = null, int? Binding = null, bool HasStaleBinding = false, string? Data = null)
{
    public bool? IsStale
    {
        init => HasStaleBinding = value ?? HasStaleBinding;
    }
}

/// <summary>An address space.</summary>
/// <param name="Name">What <see cref="PasidSnapshotMap.NameAddressSpace"/> called it.</param>
/// <param name="Pasid">The PASID that it remembers; <see langword="null"/> for none.</param>
/// <param name="HasLeft">Whether its process has left; others may use it still.</param>
/// <param name="ExtraUsers">How many came by <see cref="AddressSpace.TryAddUser"/> and have not left.</param>
/// <param name="LeakedUsers">How many of these page requests left behind (<see cref="KernelQuirks.NonCanonicalFaultLeaksUser"/>).</param>
/// <param name="ExtraPins">How many pins <see cref="AddressSpace.AddPin"/> added.</param>
/// <param name="Threads">The threads of the process, the one made first first; <see langword="null"/> for none.</param>
/// <param name="Portals">The portals that the process has mapped, lowest first; <see langword="null"/> for none.</param>
internal sealed record AddressSpaceEntry(
    string Name,
    uint? Pasid = null,
    bool HasLeft = false,
    int ExtraUsers = 0,
    int LeakedUsers = 0,
    int ExtraPins = 0,
    IReadOnlyList<ThreadEntry>? Threads = null,
    IReadOnlyList<PortalEntry>? Portals = null)
{
    public bool? HasExited
    {
        init => HasLeft = value ?? HasLeft;
    }

    public int? Guests
    {
        init => ExtraUsers = value ?? ExtraUsers;
    }
}

/// <summary>A thread of a process.</summary>
/// <param name="Name">What the thread is called.</param>
/// <param name="Msr">What is in its IA32_PASID register.</param>
internal sealed record ThreadEntry(string Name, ulong Msr = 0);

/// <summary>A portal that a process has mapped.</summary>
/// <param name="Address">Where it is mapped.</param>
/// <param name="Portal">What <see cref="PasidSnapshotMap.NamePortal"/> called it.</param>
internal sealed record PortalEntry(ulong Address, string Portal);

/// <summary>A binding.</summary>
/// <param name="Pasid">The PASID.</param>
/// <param name="AddressSpace">The index of the address space; <see langword="null"/> for the supervisor's own.</param>
/// <param name="Flags">What kind of PASID was asked for.</param>
/// <param name="FirstDevice">The device that was bound first, bound still or not; see <see cref="KernelQuirks.FirstIommuFlushes"/>.</param>
/// <param name="Devices">The devices, the one bound last first; at least one.</param>
internal sealed record BindingEntry(uint Pasid, int? AddressSpace, SvmBindFlags Flags, string FirstDevice, IReadOnlyList<DeviceEntry> Devices);

/// <summary>A device of a binding.</summary>
/// <param name="Device">What <see cref="PasidSnapshotMap.NameDevice"/> called it.</param>
/// <param name="Binds">How many binds are not undone yet, at least 1.</param>
/// <param name="Callbacks">What <see cref="PasidSnapshotMap.NameCallbacks"/> called its callback table; <see langword="null"/> for none.</param>
internal sealed record DeviceEntry(string Device, long Binds, string? Callbacks = null)
{
    public long? Users
    {
        init => Binds = value ?? Binds;
    }
}

/// <summary>A page request queue.</summary>
/// <param name="Requests">The requests that wait, oldest first.</param>
/// <param name="HasOverflowed">Whether a request found it full.</param>
internal sealed record QueueEntry(IReadOnlyList<RequestEntry> Requests, bool HasOverflowed = false);

/// <summary>A page request that waits, as it was asked.</summary>
/// <param name="Device">What <see cref="PasidSnapshotMap.NameDevice"/> called the device.</param>
/// <param name="Pasid">The PASID.</param>
/// <param name="Address">The address.</param>
/// <param name="Rights">What the device would do there.</param>
/// <param name="GroupIndex">The number of its group.</param>
/// <param name="IsLastInGroup">Whether it is the last of its group.</param>
/// <param name="PrivateData">What comes back with the response, in decimal digits.</param>
internal sealed record RequestEntry(
    string Device,
    uint? Pasid = null,
    ulong Address = 0,
    PageRequestRights Rights = PageRequestRights.None,
    int GroupIndex = 0,
    bool IsLastInGroup = false,
    string? PrivateData = null);

using System.Runtime.InteropServices;
using Pasid.Internal;

namespace Pasid;

/// <summary>A simple <see cref="IAddressSpaceFaultHandler"/>: regions of whole pages of 4096 bytes with rights.</summary>
/// <remarks>
/// <para>A region that grows down does so by whole pages, as far as the limits below let it; the growth stays, also where the access is
/// refused afterwards. The map does not know whose limits they are: in the kernel they are those of the thread that answers.</para>
/// <para>All members are safe for concurrent use. Models the list of <c>vm_area_struct</c>, <c>find_extend_vma</c> and
/// <c>expand_stack</c>.</para>
/// </remarks>
public sealed class AddressRegionMap : IAddressSpaceFaultHandler
{
    private const PageRequestRights AllRights = PageRequestRights.Read | PageRequestRights.Write | PageRequestRights.Execute;
    private const ulong PageMask = 4095;

    private readonly object _gate = new();

    /// <summary>The regions, lowest first.</summary>
    private readonly List<AddressRegion> _regions = [];

    private volatile PageFaultHandler? _pageFault;
    private volatile bool _isDumpingCore;

    /// <summary>Gets how long a region may become by growing, in bytes.</summary>
    /// <value>By default 8388608 (8 MiB); exactly that is allowed.</value>
    /// <remarks>Models <c>RLIMIT_STACK</c>.</remarks>
    public ulong StackLimit { get; init; } = 8 << 20;

    /// <summary>Gets how far a region that grows stays away from the one below, in bytes, unless that grows itself or allows no access at
    /// all: then it may grow until they touch.</summary>
    /// <value>By default 1048576 (256 pages); exactly that is enough.</value>
    /// <remarks>Models <c>stack_guard_gap</c>.</remarks>
    public ulong StackGuardGap { get; init; } = 1 << 20;

    /// <summary>Gets the address below which no region grows.</summary>
    /// <value>By default 65536.</value>
    /// <remarks>Models <c>mmap_min_addr</c>.</remarks>
    public ulong MinimumAddress { get; init; } = 1 << 16;

    /// <summary>Gets or sets a value indicating whether a core dump of the process is being written, while which nothing grows.</summary>
    /// <value>By default <see langword="false"/>.</value>
    /// <remarks>Models <c>mmget_still_valid</c>.</remarks>
    public bool IsDumpingCore
    {
        get => _isDumpingCore;
        set => _isDumpingCore = value;
    }

    /// <summary>Gets or sets what brings the pages in, once the region is found and allows the access.</summary>
    /// <value>By default <see langword="null"/>: every page is brought in. Called as <see cref="IAddressSpaceFaultHandler.Handle"/> is, and
    /// under the same rules; no lock of the map is held.</value>
    public PageFaultHandler? PageFault
    {
        get => _pageFault;
        set => _pageFault = value;
    }

    /// <summary>Gets the regions.</summary>
    /// <value>Lowest first; a picture that no later call changes. O(regions).</value>
    public IReadOnlyList<AddressRegion> Regions
    {
        get
        {
            using (Uninterruptible.Lock(_gate))
            {
                return [.. _regions];
            }
        }
    }

    /// <summary>Adds a region. O(regions).</summary>
    /// <param name="region">The region.</param>
    /// <exception cref="ArgumentException"><paramref name="region"/> is empty, does not consist of whole pages, ends beyond 64 bits, has other
    /// rights than read, write and execute, or overlaps one that is there.</exception>
    public void Add(AddressRegion region)
    {
        if (region.Length == 0 || region.Last < region.Start)
        {
            throw new ArgumentException($"A region has 1 byte or more and ends within 64 bits: it begins at 0x{region.Start:X} and has {region.Length}.", nameof(region));
        }

        if (((region.Start | region.Length) & PageMask) != 0)
        {
            throw new ArgumentException($"A region has whole pages of {PageMask + 1} bytes: it begins at 0x{region.Start:X} and has {region.Length}.", nameof(region));
        }

        if ((region.Rights & ~AllRights) != 0)
        {
            throw new ArgumentException($"A region can be read, written and executed: its rights are {region.Rights}.", nameof(region));
        }

        using (Uninterruptible.Lock(_gate))
        {
            int index = FindIndex(region.Start);
            if (index < _regions.Count && _regions[index].Start <= region.Last)
            {
                throw new ArgumentException($"The region {region} overlaps {_regions[index]}: remove that first.", nameof(region));
            }

            _regions.Insert(index, region);
        }
    }

    /// <summary>Removes the region that an address lies in. O(regions).</summary>
    /// <param name="address">The address.</param>
    /// <returns><see langword="true"/> if there was one.</returns>
    public bool Remove(ulong address)
    {
        using (Uninterruptible.Lock(_gate))
        {
            int index = FindIndex(address);
            bool isMapped = index < _regions.Count && _regions[index].Start <= address;
            _regions.RemoveRange(index, isMapped ? 1 : 0);
            return isMapped;
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException"><paramref name="addressSpace"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rights"/> has undefined bits.</exception>
    /// <remarks>O(log regions). A region that grows does so before its rights are looked at. Each of read, write and execute that is asked
    /// for has to be allowed, none implies another, and who asks for nothing may do that anywhere in a region.</remarks>
    public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
    {
        ArgumentNullException.ThrowIfNull(addressSpace);
        Rights.ThrowIfUndefined(rights, nameof(rights));
        ulong page = address & ~PageMask;
        AddressRegion region;
        using (Uninterruptible.Lock(_gate))
        {
            int index = FindIndex(page);
            if (index == _regions.Count || (page < _regions[index].Start && !TryGrow(index, page)))
            {
                return FaultOutcome.NotMapped;
            }

            region = _regions[index];
        }

        return (rights & AllRights & ~region.Rights) != 0 ? FaultOutcome.AccessDenied
            : _pageFault?.Invoke(addressSpace, region, page, (rights & PageRequestRights.Write) != 0) ?? FaultOutcome.Handled;
    }

    /// <summary>Makes a region longer, down to the page of an access; the gate is held.</summary>
    /// <returns><see langword="false"/> if it may not become that long.</returns>
    private bool TryGrow(int index, ulong page)
    {
        AddressRegion region = _regions[index];

        // All of 64 bits is a length that no number says.
        if (!region.GrowsDown || _isDumpingCore || page < MinimumAddress || region.Last - page >= StackLimit || region.Last - page == ulong.MaxValue)
        {
            return false;
        }

        if (index > 0 && _regions[index - 1] is { GrowsDown: false, Rights: not PageRequestRights.None } below && page - below.Last - 1 < StackGuardGap)
        {
            return false;
        }

        _regions[index] = region with { Start = page, Length = region.Last - page + 1 };
        return true;
    }

    /// <summary>Finds the first region that does not end below an address; the gate is held.</summary>
    private int FindIndex(ulong address)
    {
        int index = CollectionsMarshal.AsSpan(_regions).BinarySearch(new LastAddress(address));
        return index < 0 ? ~index : index;
    }

    private readonly struct LastAddress(ulong address) : IComparable<AddressRegion>
    {
        public int CompareTo(AddressRegion other) => address.CompareTo(other.Last);
    }
}

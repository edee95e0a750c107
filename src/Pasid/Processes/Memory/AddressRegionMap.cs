using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Pasid.Internal;

namespace Pasid;

/// <summary>A simple <see cref="IAddressSpaceFaultHandler"/>: regions with rights, behind which a <see cref="PageFaultHandler"/> brings
/// the pages in.</summary>
/// <remarks>
/// <para>An access is one to its whole page of 4096 bytes: it goes to the first region that ends above the beginning of the page. A
/// region that begins above the page and grows down is made longer, down to the page, if</para>
/// <list type="bullet">
/// <item><description>no core dump of the address space runs (<see cref="AddressSpace.IsDumpingCore"/>);</description></item>
/// <item><description>the page is not below <see cref="MinimumMapAddress"/>;</description></item>
/// <item><description>the region does not become longer than <see cref="StackLimit"/>;</description></item>
/// <item><description>the region below, unless it grows down itself or allows nothing, stays <see cref="StackGuardGap"/> away.</description></item>
/// </list>
/// <para>It stays so, whatever becomes of the access.</para>
/// <para>All members are safe for concurrent use. One map may serve several address spaces. Models the <c>vm_area_struct</c>s of an
/// <c>mm_struct</c>, and <c>expand_downwards</c> with <c>acct_stack_growth</c>.</para>
/// </remarks>
public sealed class AddressRegionMap : IAddressSpaceFaultHandler
{
    private const PageRequestRights AllRights = PageRequestRights.Read | PageRequestRights.Write | PageRequestRights.Execute;
    private const ulong PageLength = 4096;

    private readonly object _gate = new();

    /// <summary>The regions, lowest first.</summary>
    private readonly List<AddressRegion> _regions = [];

    /// <summary>Address spaces whose fault handler the map is, or was: they are told what is unmapped. Weak, for none of them is to
    /// live as long as a map that others use.</summary>
    private readonly List<WeakReference<AddressSpace>> _served = [];

    /// <summary>Gets how long a region may become by growing down, in bytes.</summary>
    /// <value>By default 8388608; 18446744073709551615 for no limit. A region that is added may be longer.</value>
    /// <remarks>Models <c>RLIMIT_STACK</c>.</remarks>
    public ulong StackLimit { get; init; } = 8 << 20;

    /// <summary>Gets how many bytes stay free between a region that grows down and the region below.</summary>
    /// <value>A multiple of 4096, by default 1048576. Between regions that are added there may be less.</value>
    /// <exception cref="ArgumentOutOfRangeException">No multiple of 4096 is given.</exception>
    /// <remarks>Models <c>stack_guard_gap</c>, which counts pages.</remarks>
    public ulong StackGuardGap
    {
        get;
        init => field = value % PageLength == 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, $"The gap is of whole pages: give a multiple of {PageLength}.");
    } = 1 << 20;

    /// <summary>Gets the lowest address that a region may grow down to.</summary>
    /// <value>By default 65536. A region that is added may begin below.</value>
    /// <remarks>Models <c>mmap_min_addr</c>.</remarks>
    public ulong MinimumMapAddress { get; init; } = 1 << 16;

    /// <summary>Gets who brings pages in.</summary>
    /// <value>By default <see langword="null"/>: every page is there.</value>
    public PageFaultHandler? PageFaultHandler { get; init; }

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
    /// <exception cref="ArgumentException"><paramref name="region"/> is empty, ends beyond 64 bits, has other rights than read, write and
    /// execute, or overlaps one that is there.</exception>
    public void Add(AddressRegion region)
    {
        if (region.Length == 0 || region.Last < region.Start)
        {
            throw new ArgumentException($"A region has 1 byte or more and ends within 64 bits: it begins at 0x{region.Start:X} and has {region.Length}.", nameof(region));
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

    /// <summary>Removes the region that an address lies in, and tells each address space whose <see cref="AddressSpace.FaultHandler"/> the
    /// map is (<see cref="AddressSpace.NotifyUnmapped"/>). O(regions, and bound devices of these address spaces).</summary>
    /// <param name="address">The address, itself and not its page.</param>
    /// <returns><see langword="true"/> if there was one.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder of such an address space; nothing is removed.</exception>
    /// <remarks>The address spaces are told once the region is gone, with no lock of the map held. What an IOMMU throws is passed on when
    /// all have been told. Models <c>munmap</c> of a whole region.</remarks>
    public bool Remove(ulong address)
    {
        AddressRegion region;
        List<AddressSpace> served;
        using (Uninterruptible.Lock(_gate))
        {
            served = CollectServed();
            served.ForEach(static addressSpace => addressSpace.Processes.Gate.ThrowIfInsideGate());
            int index = FindIndex(address);
            if (index == _regions.Count || _regions[index].Start > address)
            {
                return false;
            }

            region = _regions[index];
            _regions.RemoveAt(index);
        }

        Tell(served, region);
        return true;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException"><paramref name="addressSpace"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rights"/> has undefined bits.</exception>
    /// <remarks>O(log regions), and what the <see cref="PageFaultHandler"/> takes. A region that grows does so before its rights are looked
    /// at. It has to have each of read, write and execute that is wanted, and none implies another; privilege does not matter, and an
    /// access that wants nothing is allowed by every region.</remarks>
    public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
    {
        ArgumentNullException.ThrowIfNull(addressSpace);
        Rights.ThrowIfUndefined(rights, nameof(rights));
        ulong page = address - (address % PageLength);
        using (Uninterruptible.Lock(_gate))
        {
            int index = FindIndex(page);
            if (index == _regions.Count || (page < _regions[index].Start && !TryGrow(addressSpace, index, page)))
            {
                return FaultOutcome.NotMapped;
            }

            if ((rights & AllRights & ~_regions[index].Rights) != 0)
            {
                return FaultOutcome.AccessDenied;
            }
        }

        return PageFaultHandler?.Invoke(addressSpace, page, (rights & PageRequestRights.Write) != 0) ?? FaultOutcome.Handled;
    }

    /// <summary>Remembers an address space whose fault handler the map becomes.</summary>
    internal void Serve(AddressSpace addressSpace)
    {
        using (Uninterruptible.Lock(_gate))
        {
            _served.RemoveAll(served => !served.TryGetTarget(out AddressSpace? known) || ReferenceEquals(known, addressSpace));
            _served.Add(new WeakReference<AddressSpace>(addressSpace));
        }
    }

    /// <summary>Makes a region longer, down to the page of an access, if it may; the gate is held. No other is in the way: it is the first
    /// that ends above the page.</summary>
    private bool TryGrow(AddressSpace addressSpace, int index, ulong page)
    {
        AddressRegion region = _regions[index];
        if (!region.GrowsDown || addressSpace.IsDumpingCore || page < MinimumMapAddress || region.Last - page >= StackLimit)
        {
            return false;
        }

        if (index > 0 && _regions[index - 1] is { GrowsDown: false, Rights: not PageRequestRights.None } below && page - 1 - below.Last < StackGuardGap)
        {
            return false;
        }

        _regions[index] = region with { Start = page, Length = region.Last - page + 1 };
        return true;
    }

    /// <summary>Collects the address spaces whose fault handler the map is; the gate is held.</summary>
    private List<AddressSpace> CollectServed()
    {
        List<AddressSpace> served = [];
        foreach (WeakReference<AddressSpace> reference in _served)
        {
            if (reference.TryGetTarget(out AddressSpace? addressSpace) && ReferenceEquals(addressSpace.FaultHandler, this))
            {
                served.Add(addressSpace);
            }
        }

        return served;
    }

    private static void Tell(List<AddressSpace> served, AddressRegion region)
    {
        ExceptionDispatchInfo? failure = null;
        foreach (AddressSpace addressSpace in served)
        {
            try
            {
                addressSpace.NotifyUnmapped(region.Start, region.Last);
            }
#pragma warning disable CA1031 // Passed on once the others know.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                failure ??= ExceptionDispatchInfo.Capture(exception);
            }
        }

        failure?.Throw();
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

namespace Pasid;

/// <summary>A simple <see cref="IAddressSpaceFaultHandler"/>: regions with rights, whose pages are always brought in.</summary>
/// <remarks>All members are safe for concurrent use. Models the list of <c>vm_area_struct</c>.</remarks>
public sealed class AddressRegionMap : IAddressSpaceFaultHandler
{
    private const PageRequestRights AllRights = PageRequestRights.Read | PageRequestRights.Write | PageRequestRights.Execute;
    private const ulong PageMask = 4095;

    private readonly object _gate = new();

    /// <summary>The regions, by their last address.</summary>
    private readonly SortedList<ulong, AddressRegion> _regions = [];

    /// <summary>Gets the regions.</summary>
    /// <value>Lowest first; a picture that no later call changes. O(regions).</value>
    public IReadOnlyList<AddressRegion> Regions
    {
        get
        {
            lock (_gate)
            {
                return [.. _regions.Values];
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

        lock (_gate)
        {
            if (Find(region.Start) is { } next && next.Start <= region.Last)
            {
                throw new ArgumentException($"The region {region} overlaps {next}: remove that first.", nameof(region));
            }

            _regions.Add(region.Last, region);
        }
    }

    /// <summary>Removes the region that an address lies in. O(regions).</summary>
    /// <param name="address">The address.</param>
    /// <returns><see langword="true"/> if there was one.</returns>
    public bool Remove(ulong address)
    {
        lock (_gate)
        {
            return Find(address) is { } region && region.Start <= address && _regions.Remove(region.Last);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException"><paramref name="addressSpace"/> is <see langword="null"/>.</exception>
    public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
    {
        ArgumentNullException.ThrowIfNull(addressSpace);
        lock (_gate)
        {
            if (Find(address) is not { } region)
            {
                return FaultOutcome.NotMapped;
            }

            if (address < region.Start)
            {
                if (!region.GrowsDown)
                {
                    return FaultOutcome.NotMapped;
                }

                ulong start = address & ~PageMask;
                region = region with { Start = start, Length = region.Last - start + 1 };
                _regions[region.Last] = region;
            }

            return (rights & AllRights & ~region.Rights) == 0 ? FaultOutcome.Handled : FaultOutcome.AccessDenied;
        }
    }

    /// <summary>Finds the region that an address lies in, or else the next one above; the gate is held.</summary>
    private AddressRegion? Find(ulong address)
    {
        int low = 0;
        int high = _regions.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_regions.Keys[middle] < address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < _regions.Count ? _regions.Values[low] : null;
    }
}

using Pasid.Internal;

namespace Pasid;

/// <summary>A simple <see cref="IAddressSpaceFaultHandler"/>: regions with rights, whose pages are always brought in.</summary>
/// <remarks>
/// <para>A region that grows down does so by whole pages of 4096 bytes, but never into the region before it, and never to all of 64 bits:
/// one that ends at the last address does not grow to address 0.</para>
/// <para>All members are safe for concurrent use. Models the list of <c>vm_area_struct</c>, and <c>expand_stack</c>.</para>
/// </remarks>
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
            using (Uninterruptible.Lock(_gate))
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

        using (Uninterruptible.Lock(_gate))
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
        using (Uninterruptible.Lock(_gate))
        {
            return Find(address) is { } region && region.Start <= address && _regions.Remove(region.Last);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentNullException"><paramref name="addressSpace"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rights"/> has undefined bits.</exception>
    /// <remarks>O(log regions). A region that grows does so before its rights are looked at.</remarks>
    public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
    {
        ArgumentNullException.ThrowIfNull(addressSpace);
        Rights.ThrowIfUndefined(rights, nameof(rights));
        using (Uninterruptible.Lock(_gate))
        {
            if (Find(address) is not { } region)
            {
                return FaultOutcome.NotMapped;
            }

            if (address < region.Start)
            {
                if (!region.GrowsDown || !TryGrow(ref region, address))
                {
                    return FaultOutcome.NotMapped;
                }
            }

            return (rights & AllRights & ~region.Rights) == 0 ? FaultOutcome.Handled : FaultOutcome.AccessDenied;
        }
    }

    /// <summary>Makes a region longer, down to the page of an access; the gate is held.</summary>
    /// <returns><see langword="false"/> if it would be the whole of 64 bits, which no length can say.</returns>
    private bool TryGrow(ref AddressRegion region, ulong address)
    {
        ulong start = address & ~PageMask;
        int index = FindIndex(region.Last);
        if (index > 0)
        {
            // The region before may end inside this very page.
            start = Math.Max(start, _regions.Keys[index - 1] + 1);
        }

        if (start == 0 && region.Last == ulong.MaxValue)
        {
            return false;
        }

        region = region with { Start = start, Length = region.Last - start + 1 };
        _regions[region.Last] = region;
        return true;
    }

    /// <summary>Finds the region that an address lies in, or else the next one above; the gate is held.</summary>
    private AddressRegion? Find(ulong address)
    {
        int index = FindIndex(address);
        return index < _regions.Count ? _regions.Values[index] : null;
    }

    /// <summary>Finds the first region that does not end below an address; the gate is held.</summary>
    private int FindIndex(ulong address)
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

        return low;
    }
}

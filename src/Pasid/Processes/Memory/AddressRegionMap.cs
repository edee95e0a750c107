using System.Runtime.InteropServices;
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

    /// <summary>The regions, lowest first.</summary>
    private readonly List<AddressRegion> _regions = [];

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
    /// <remarks>O(log regions). A region that grows does so before its rights are looked at.</remarks>
    public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
    {
        ArgumentNullException.ThrowIfNull(addressSpace);
        Rights.ThrowIfUndefined(rights, nameof(rights));
        using (Uninterruptible.Lock(_gate))
        {
            int index = FindIndex(address);
            if (index == _regions.Count || (address < _regions[index].Start && !TryGrow(index, address)))
            {
                return FaultOutcome.NotMapped;
            }

            return (rights & AllRights & ~_regions[index].Rights) == 0 ? FaultOutcome.Handled : FaultOutcome.AccessDenied;
        }
    }

    /// <summary>Makes a region longer, down to the page of an access; the gate is held.</summary>
    /// <returns><see langword="false"/> if it does not grow, or would be the whole of 64 bits, which no length can say.</returns>
    private bool TryGrow(int index, ulong address)
    {
        AddressRegion region = _regions[index];

        // The region before may end inside this very page.
        ulong start = Math.Max(address & ~PageMask, index > 0 ? _regions[index - 1].Last + 1 : 0);
        if (!region.GrowsDown || (start == 0 && region.Last == ulong.MaxValue))
        {
            return false;
        }

        _regions[index] = region with { Start = start, Length = region.Last - start + 1 };
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

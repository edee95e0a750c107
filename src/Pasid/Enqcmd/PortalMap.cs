using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Pasid;

/// <summary>
/// The portals that a process has mapped. A PASID says whose memory a command works in; a portal is what lets a process
/// command a device at all.
/// </summary>
/// <remarks>
/// <para>All members are safe for concurrent use. A forked child maps none of its parent's, and an exit unmaps all.</para>
/// <para>Models the mappings of <c>idxd_cdev_mmap</c>, which are not copied at a fork.</para>
/// </remarks>
public sealed class PortalMap
{
    /// <summary>How long the page of a portal is, in bytes; mappings begin at multiples of it.</summary>
    public const int PageLength = 4096;

    private readonly ConcurrentDictionary<ulong, IEnqcmdPortal> _portals = new();
    private readonly AddressSpace _addressSpace;

    internal PortalMap(AddressSpace addressSpace) => _addressSpace = addressSpace;

    /// <summary>Gets how many portals are mapped.</summary>
    /// <value>0 or more.</value>
    public int Count => _portals.Count;

    /// <summary>Maps a portal.</summary>
    /// <param name="address">Where: a multiple of 4096.</param>
    /// <param name="portal">The portal; it may be mapped at several places.</param>
    /// <exception cref="ArgumentNullException"><paramref name="portal"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="address"/> is no multiple of 4096, or something is mapped there.</exception>
    /// <exception cref="InvalidOperationException">The address space has exited.</exception>
    public void Map(ulong address, IEnqcmdPortal portal)
    {
        ArgumentNullException.ThrowIfNull(portal);
        if (address % PageLength != 0)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A portal cannot begin at 0x{address:X}: give a multiple of {PageLength}."), nameof(address));
        }

        if (_addressSpace.HasExited)
        {
            throw HasExited();
        }

        if (!_portals.TryAdd(address, portal))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A portal is mapped at 0x{address:X} already: unmap it first."), nameof(address));
        }

        // An exit beside this may have unmapped all before the portal came in, and would leave it behind.
        if (_addressSpace.HasExited)
        {
            _portals.TryRemove(address, out _);
            throw HasExited();
        }
    }

    /// <summary>Unmaps a portal. Threads keep their PASID, and reach the device no more.</summary>
    /// <param name="address">Where it begins.</param>
    /// <returns><see langword="true"/> if one was mapped there.</returns>
    public bool Unmap(ulong address) => _portals.TryRemove(address, out _);

    /// <summary>Finds the portal at an address.</summary>
    /// <param name="address">Any address of its page.</param>
    /// <param name="portal">The portal; <see langword="null"/> if there is none.</param>
    /// <returns><see langword="true"/> if there is one.</returns>
    public bool TryFind(ulong address, [NotNullWhen(true)] out IEnqcmdPortal? portal) =>
        _portals.TryGetValue(address - (address % PageLength), out portal);

    internal void Clear() => _portals.Clear();

    private InvalidOperationException HasExited() => new($"The address space '{_addressSpace}' has exited: map portals of one that still has a user.");

    /// <summary>Copies the mappings, lowest first.</summary>
    internal KeyValuePair<ulong, IEnqcmdPortal>[] ToArray() => [.. _portals.OrderBy(mapping => mapping.Key)];
}

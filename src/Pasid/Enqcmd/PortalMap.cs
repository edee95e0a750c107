using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Pasid.Internal;

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

    private readonly IPortalOwner _owner;

    /// <summary>The portals by address; another object when all of them change. Written inside the binder's gate for mappings, so that
    /// its own locks never make anybody wait; read without any.</summary>
    private volatile ConcurrentDictionary<ulong, IEnqcmdPortal> _portals = new();

    private int _count;

    internal PortalMap(IPortalOwner owner) => _owner = owner;

    /// <summary>Gets how many portals are mapped.</summary>
    /// <value>0 or more.</value>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Maps a portal.</summary>
    /// <param name="address">Where: a multiple of 4096.</param>
    /// <param name="portal">The portal; it may be mapped at several places.</param>
    /// <exception cref="ArgumentNullException"><paramref name="portal"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="address"/> is no multiple of 4096, or something is mapped there.</exception>
    /// <exception cref="InvalidOperationException">The address space has exited.</exception>
    /// <exception cref="PasidException">Another process opened the portal (<see cref="IEnqcmdPortal.Opener"/>); the status is
    /// <see cref="PasidStatus.NotPermitted"/>. Processes that share an address space are one here.</exception>
    /// <remarks>Models <c>idxd_cdev_mmap</c>.</remarks>
    public void Map(ulong address, IEnqcmdPortal portal)
    {
        ArgumentNullException.ThrowIfNull(portal);
        if (address % PageLength != 0)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A portal cannot begin at 0x{address:X}: give a multiple of {PageLength}."), nameof(address));
        }

        if (portal.Opener is { } opener && !ReferenceEquals(opener, this))
        {
            throw new PasidException(PasidStatus.NotPermitted, $"The address space '{opener._owner}' opened the portal '{portal.Name}', and '{_owner}' may not map it: open one for it.");
        }

        ref Gate gate = ref _owner.Cpu.MappingGate;
        gate.Enter();
        bool hasExited = _owner.HasExited;
        bool isMapped = false;
        try
        {
            isMapped = !hasExited && _portals.TryAdd(address, portal);
            _count += isMapped ? 1 : 0;
        }
        finally
        {
            gate.Leave();
        }

        if (hasExited)
        {
            throw new InvalidOperationException($"The address space '{_owner}' has exited: map portals of one that still has a user.");
        }

        if (!isMapped)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"A portal is mapped at 0x{address:X} already: unmap it first."), nameof(address));
        }
    }

    /// <summary>Unmaps a portal. Threads keep their PASID, and reach the device no more.</summary>
    /// <param name="address">Where it begins.</param>
    /// <returns><see langword="true"/> if one was mapped there.</returns>
    public bool Unmap(ulong address)
    {
        ref Gate gate = ref _owner.Cpu.MappingGate;
        gate.Enter();
        bool isUnmapped = _portals.TryRemove(address, out _);
        _count -= isUnmapped ? 1 : 0;
        gate.Leave();
        return isUnmapped;
    }

    /// <summary>Finds the portal at an address.</summary>
    /// <param name="address">Any address of its page.</param>
    /// <param name="portal">The portal; <see langword="null"/> if there is none.</param>
    /// <returns><see langword="true"/> if there is one.</returns>
    public bool TryFind(ulong address, [NotNullWhen(true)] out IEnqcmdPortal? portal) =>
        _portals.TryGetValue(address - (address % PageLength), out portal);

    /// <summary>Puts mappings in the place of all that are there; the gate for mappings is entered.</summary>
    internal void ReplaceUnsynchronized(ConcurrentDictionary<ulong, IEnqcmdPortal> portals, int count)
    {
        _portals = portals;
        _count = count;
    }

    /// <summary>Copies the mappings, lowest first; the gate for mappings is entered.</summary>
    internal KeyValuePair<ulong, IEnqcmdPortal>[] CopyUnsynchronized() => [.. _portals.OrderBy(mapping => mapping.Key)];
}

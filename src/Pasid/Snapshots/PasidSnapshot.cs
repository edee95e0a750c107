using System.Text.Json;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Pictures the whole state of a host: every live id with its references, owner and data, every address space, every
/// binding with its devices, every page request that waits. What it names, it names by strings, so that it can be written to a file.
/// </summary>
/// <remarks>
/// <para>Not part of it: address spaces that have neither PASID nor binding, the options of the binder, statistics, and what
/// the IOMMUs were told, which belongs to the hardware model around the host.</para>
/// <para>Immutable as long as the lists that it was made with are; safe for concurrent use.</para>
/// </remarks>
/// <param name="FormatVersion">The version of the format; <see cref="CurrentVersion"/>.</param>
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
/// <param name="HeldIds">The ids that <see cref="IoasidReusePolicy.Quarantine"/> holds back, oldest first; <see langword="null"/> for none.</param>
/// <param name="Queues">The page request queues, in the order in which they were attached; <see langword="null"/> for none.</param>
public sealed record PasidSnapshot(
    int FormatVersion,
    PasidLifetime Lifetime,
    KernelQuirks Quirks,
    int LiveCount,
    int BindingCount,
    IReadOnlyList<string> Owners,
    IReadOnlyList<IoasidSnapshot> Ids,
    IReadOnlyList<AddressSpaceSnapshot> AddressSpaces,
    IReadOnlyList<SvmBindingSnapshot> Bindings,
    IReadOnlyList<uint> LeakedPasids,
    uint NextId = 0,
    IReadOnlyList<uint>? HeldIds = null,
    IReadOnlyList<PageRequestQueueSnapshot>? Queues = null)
{
    /// <summary>The version of the format that this version of the library writes, and the only one that it restores.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The longest snapshot that <see cref="Load"/> reads, in bytes: several times that of a host with every PASID live.</summary>
    public const int MaxLength = 1 << 28;

    /// <summary>How many bytes the objects of a snapshot may take where <see cref="Load"/> and
    /// <see cref="PasidSnapshotMap.MemoryLimit"/> are not told otherwise: more than those of a host with every PASID bound to a device.</summary>
    public const long DefaultMemoryLimit = 1L << 30;

    /// <summary>Reads a snapshot.</summary>
    /// <param name="utf8Json">Where to read from, to the end.</param>
    /// <param name="memoryLimit">How many bytes the objects of the snapshot may take, at least 1; checked, as an estimate from above,
    /// before they are made.</param>
    /// <returns>The snapshot; whether it makes sense, <see cref="SvmBinder.Restore"/> finds out.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="utf8Json"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="memoryLimit"/> is less than 1.</exception>
    /// <exception cref="FormatException">It is no snapshot: not JSON, something in it is unknown, there twice or of the wrong type, or it
    /// is longer than <see cref="MaxLength"/>; or its objects would take more than <paramref name="memoryLimit"/> bytes.</exception>
    /// <remarks>O(size).</remarks>
    public static PasidSnapshot Load(Stream utf8Json, long memoryLimit = DefaultMemoryLimit)
    {
        ArgumentNullException.ThrowIfNull(utf8Json);
        ArgumentOutOfRangeException.ThrowIfLessThan(memoryLimit, 1);
        try
        {
            using var limited = new LimitedStream(utf8Json, MaxLength, new SnapshotGuard(memoryLimit));
            return JsonSerializer.Deserialize(limited, SnapshotJson.Default.PasidSnapshot)
                ?? throw new FormatException("This is no snapshot of a host: it is the JSON value null.");
        }
        catch (JsonException exception)
        {
            throw new FormatException($"This is no snapshot of a host: {exception.Message}", exception);
        }
    }

    /// <summary>Writes the snapshot as JSON.</summary>
    /// <param name="utf8Json">Where to write to; it stays open.</param>
    /// <exception cref="ArgumentNullException"><paramref name="utf8Json"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">A name in it has half of a surrogate pair, which no file can hold. Nothing is
    /// written.</exception>
    /// <remarks>The same snapshot is always written as the same bytes. O(size).</remarks>
    public void Save(Stream utf8Json)
    {
        ArgumentNullException.ThrowIfNull(utf8Json);
        if (SnapshotText.FindBroken(this).FirstOrDefault() is { } broken)
        {
            throw new InvalidOperationException($"The snapshot cannot be saved: {broken}. Give text that is valid Unicode.");
        }

        JsonSerializer.Serialize(utf8Json, this, SnapshotJson.Default.PasidSnapshot);
    }
}

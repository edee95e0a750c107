using System.Runtime.CompilerServices;
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
/// <para>Two snapshots are equal if everything in them is: if they would be saved as the same bytes. Immutable; safe for concurrent use.</para>
/// </remarks>
public sealed class PasidSnapshot : IEquatable<PasidSnapshot>
{
    /// <summary>The version of the format that snapshots are saved in. Version 1 is read too.</summary>
    public const int CurrentVersion = 2;

    /// <summary>The longest snapshot that <see cref="Load"/> reads, in bytes: several times that of a host with every PASID live.</summary>
    public const int MaxLength = 1 << 28;

    /// <summary>How many bytes the objects of a snapshot may take where <see cref="Load"/> and
    /// <see cref="PasidSnapshotMap.MemoryLimit"/> are not told otherwise: more than those of a host with every PASID bound to a device.</summary>
    public const long DefaultMemoryLimit = 1L << 30;

    internal PasidSnapshot(SnapshotFile file) => File = file;

    /// <summary>Gets the version of the format that the snapshot is saved in, whatever version it was loaded from.</summary>
    /// <value>Always <see cref="CurrentVersion"/>.</value>
    public int Version => File.FormatVersion;

    /// <summary>Gets the lifetime of the profile that the host had.</summary>
    public PasidLifetime Lifetime => File.Lifetime;

    /// <summary>Gets the quirks of the profile that the host had.</summary>
    public KernelQuirks Quirks => File.Quirks;

    /// <summary>Gets how many ids are live.</summary>
    public int LiveCount => File.Ids?.Count ?? 0;

    /// <summary>Gets how many address spaces have a PASID or a binding.</summary>
    public int AddressSpaceCount => File.AddressSpaces?.Count ?? 0;

    /// <summary>Gets how many bindings there are.</summary>
    public int BindingCount => File.Bindings?.Count ?? 0;

    /// <summary>Gets how many PASIDs a quirk kept from being freed.</summary>
    public int LeakedCount => File.LeakedPasids?.Count ?? 0;

    /// <summary>Gets how many page requests wait, in all queues.</summary>
    /// <remarks>O(queues).</remarks>
    public int PageRequestCount => File.Queues?.Sum(queue => queue?.Requests?.Count ?? 0) ?? 0;

    internal SnapshotFile File { get; }

    /// <summary>Says whether two snapshots are equal, or both are <see langword="null"/>.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <returns><see langword="true"/> if they are. O(size).</returns>
    public static bool operator ==(PasidSnapshot? left, PasidSnapshot? right) => left?.Equals(right) ?? right is null;

    /// <summary>Says whether two snapshots differ.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    /// <returns><see langword="true"/> if they do. O(size).</returns>
    public static bool operator !=(PasidSnapshot? left, PasidSnapshot? right) => !(left == right);

    /// <summary>Reads a snapshot, of the current version or of version 1.</summary>
    /// <param name="utf8Json">Where to read from, to the end; it stays open.</param>
    /// <param name="memoryLimit">How many bytes the objects of the snapshot may take, at least 1; checked, as an estimate from above,
    /// before they are made.</param>
    /// <returns>The snapshot; whether it makes sense, <see cref="SvmBinder.Restore"/> finds out.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="utf8Json"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="memoryLimit"/> is less than 1.</exception>
    /// <exception cref="FormatException">It is no snapshot: not JSON, of no version that there is, something in it is unknown, there twice
    /// or of the wrong type, or it is longer than <see cref="MaxLength"/>; or its objects would take more than
    /// <paramref name="memoryLimit"/> bytes.</exception>
    /// <remarks>O(size).</remarks>
    public static PasidSnapshot Load(Stream utf8Json, long memoryLimit = DefaultMemoryLimit)
    {
        using LimitedStream limited = Limit(utf8Json, memoryLimit);
        try
        {
            return Accept(JsonSerializer.Deserialize(limited, SnapshotJson.Default.SnapshotFile), limited.Keys);
        }
        catch (JsonException exception)
        {
            throw Refused(exception.Message, exception);
        }
    }

    /// <summary>Reads a snapshot, of the current version or of version 1, and keeps no thread waiting.</summary>
    /// <param name="utf8Json">Where to read from, to the end; it stays open.</param>
    /// <param name="memoryLimit">How many bytes the objects of the snapshot may take, at least 1; checked, as an estimate from above,
    /// before they are made.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>The snapshot; whether it makes sense, <see cref="SvmBinder.Restore"/> finds out.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="utf8Json"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="memoryLimit"/> is less than 1.</exception>
    /// <exception cref="FormatException">It is no snapshot, as for <see cref="Load"/>.</exception>
    /// <exception cref="OperationCanceledException">The reading was cancelled.</exception>
    /// <remarks>O(size).</remarks>
    public static Task<PasidSnapshot> LoadAsync(Stream utf8Json, long memoryLimit = DefaultMemoryLimit, CancellationToken cancellationToken = default) =>
        LoadAsync(Limit(utf8Json, memoryLimit), cancellationToken);

    /// <summary>Finds the first difference of two snapshots.</summary>
    /// <param name="first">One.</param>
    /// <param name="second">The other.</param>
    /// <returns>Where they differ, named as in a file, with what is there in both; <see langword="null"/> if they are equal.</returns>
    /// <remarks>For people, and for messages of tests: the words may change. O(size).</remarks>
    public static string? FindDifference(PasidSnapshot? first, PasidSnapshot? second) =>
        ReferenceEquals(first, second) ? null
        : first is null || second is null ? $"the first is {first?.ToString() ?? "none"}, and the second is {second?.ToString() ?? "none"}"
        : SnapshotDifference.Find(first.File, second.File);

    /// <summary>Writes the snapshot as JSON, in the format of <see cref="CurrentVersion"/>.</summary>
    /// <param name="utf8Json">Where to write to; it stays open.</param>
    /// <exception cref="ArgumentNullException"><paramref name="utf8Json"/> is <see langword="null"/>.</exception>
    /// <remarks>The same snapshot is always written as the same bytes. O(size).</remarks>
    public void Save(Stream utf8Json) => JsonSerializer.Serialize(utf8Json, File, SnapshotJson.Default.SnapshotFile);

    /// <summary>Writes the snapshot as JSON, as <see cref="Save"/> does, and keeps no thread waiting.</summary>
    /// <param name="utf8Json">Where to write to; it stays open.</param>
    /// <param name="cancellationToken">Ends the writing; what was written stays.</param>
    /// <returns>The end of the writing.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="utf8Json"/> is <see langword="null"/>.</exception>
    /// <exception cref="OperationCanceledException">The writing was cancelled.</exception>
    /// <remarks>O(size).</remarks>
    public Task SaveAsync(Stream utf8Json, CancellationToken cancellationToken = default) =>
        JsonSerializer.SerializeAsync(utf8Json, File, SnapshotJson.Default.SnapshotFile, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>O(size).</remarks>
    public bool Equals(PasidSnapshot? other) =>
        ReferenceEquals(this, other) || (other is not null && GetHashCode() == other.GetHashCode() && FindDifference(this, other) is null);

    /// <inheritdoc/>
    /// <remarks>O(size).</remarks>
    public override bool Equals(object? obj) => Equals(obj as PasidSnapshot);

    /// <inheritdoc/>
    /// <remarks>Made of the profile and the counts alone. O(queues).</remarks>
    public override int GetHashCode() => HashCode.Combine(Lifetime, Quirks, LiveCount, AddressSpaceCount, BindingCount, LeakedCount, PageRequestCount);

    /// <summary>Says in one line how much of what there is, with the first of each; <see cref="FindDifference"/> tells two apart.</summary>
    /// <returns>Text for people; it may change.</returns>
    public override string ToString() => string.Join(
        ", ",
        Tell("ids", File.Ids, static id => $"{id.Id}"),
        Tell("address spaces", File.AddressSpaces, static addressSpace => addressSpace.Pasid is { } pasid ? $"{addressSpace.Name} {pasid}" : addressSpace.Name),
        Tell("bindings", File.Bindings, static binding => $"{binding.Pasid} of {binding.Devices?.Count} devices"),
        Tell("leaked", File.LeakedPasids, static pasid => $"{pasid}"),
        Tell("queues", File.Queues, static queue => $"{queue.Requests?.Count} requests"),
        $"lifetime {Lifetime}",
        $"quirks {Quirks}");

    private static string Tell<T>(string what, IReadOnlyList<T>? all, Func<T, string> tell)
    {
        const int Most = 8;
        return all is { Count: > 0 }
            ? $"{all.Count} {what} ({string.Join(", ", all.Take(Most).Select(one => one is null ? "null" : tell(one)))}{(all.Count > Most ? ", ..." : null)})"
            : $"0 {what}";
    }

    private static LimitedStream Limit(Stream utf8Json, long memoryLimit)
    {
        ArgumentNullException.ThrowIfNull(utf8Json);
        ArgumentOutOfRangeException.ThrowIfLessThan(memoryLimit, 1);
        return new LimitedStream(utf8Json, MaxLength, new SnapshotGuard(memoryLimit));
    }

    private static async Task<PasidSnapshot> LoadAsync(LimitedStream limited, CancellationToken cancellationToken)
    {
        await using ConfiguredAsyncDisposable disposal = limited.ConfigureAwait(false);
        try
        {
            return Accept(await JsonSerializer.DeserializeAsync(limited, SnapshotJson.Default.SnapshotFile, cancellationToken).ConfigureAwait(false), limited.Keys);
        }
        catch (JsonException exception)
        {
            throw Refused(exception.Message, exception);
        }
    }

    /// <summary>Takes a file of any version for one of the current version.</summary>
    private static PasidSnapshot Accept(SnapshotFile? file, ulong keys) => file switch
    {
        null => throw Refused("it is the JSON value null."),
        { FormatVersion: < 1 or > CurrentVersion } => throw Refused($"the format version is {file.FormatVersion}, and this library reads 1 to {CurrentVersion}."),
        _ when SnapshotKeys.FindForeign(keys, file.FormatVersion) is { } key => throw Refused($"it has the key '{key}', which version {file.FormatVersion} of the format does not have."),
        _ => new PasidSnapshot(file with { FormatVersion = CurrentVersion }),
    };

    private static FormatException Refused(string reason, JsonException? exception = null) => new($"This is no snapshot of a host: {reason}", exception);
}

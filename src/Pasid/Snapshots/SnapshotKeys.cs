using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Pasid.Internal;

/// <summary>The keys that objects of a snapshot can have, as the bytes of a file.</summary>
internal static class SnapshotKeys
{
    /// <summary>An escape such as <c>\u0041</c> is six bytes, and the longest for one byte of a key.</summary>
    private const int LongestEscape = 6;

    /// <summary>What version 1 called otherwise.</summary>
    private static readonly ImmutableArray<(string First, string Since)> s_renamed =
        [("heldIds", "heldBackIds"), ("isStale", "hasStaleBinding"), ("hasExited", "hasLeft"), ("guests", "extraUsers"), ("users", "binds")];

    /// <summary>Those that a file has most of come first: a search ends at what it finds.</summary>
    private static readonly ImmutableArray<ImmutableArray<byte>> s_keys = [.. new JsonTypeInfo[]
    {
        SnapshotJson.Default.IdEntry,
        SnapshotJson.Default.BindingEntry,
        SnapshotJson.Default.DeviceEntry,
        SnapshotJson.Default.AddressSpaceEntry,
        SnapshotJson.Default.ThreadEntry,
        SnapshotJson.Default.PortalEntry,
        SnapshotJson.Default.RequestEntry,
        SnapshotJson.Default.QueueEntry,
        SnapshotJson.Default.SnapshotFile,
    }.SelectMany(type => type.Properties).Select(property => property.Name).Distinct(StringComparer.Ordinal).Select(key => Encoding.UTF8.GetBytes(key).ToImmutableArray())];

    /// <summary>Gets how many there are; each has an index below.</summary>
    public static int Count => s_keys.Length;

    /// <summary>Gets how many bytes a key takes at most between its quotes, whatever of it is escaped.</summary>
    public static int MaxLength { get; } = s_keys.Max(key => key.Length) * LongestEscape;

    public static string Get(int index) => Encoding.UTF8.GetString(s_keys[index].AsSpan());

    /// <summary>Finds a key by what is between its quotes.</summary>
    /// <returns>The index, or -1 for what is no key.</returns>
    public static int Find(ReadOnlySpan<byte> text, bool hasEscapes)
    {
        if (hasEscapes)
        {
            return FindEscaped(text);
        }

        for (int i = 0; i < s_keys.Length; i++)
        {
            if (text.SequenceEqual(s_keys[i].AsSpan()))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Finds one of some keys, one bit each, that files of a version do not have.</summary>
    public static string? FindForeign(ulong keys, int version) =>
        s_renamed.Select(names => version == 1 ? names.Since : names.First)
            .FirstOrDefault(key => (keys & (1ul << Find(Encoding.UTF8.GetBytes(key), hasEscapes: false))) != 0);

    private static int FindEscaped(ReadOnlySpan<byte> text)
    {
        byte[] quoted = [(byte)'"', .. text, (byte)'"'];
        try
        {
            var reader = new Utf8JsonReader(quoted);
            reader.Read();
            Span<byte> plain = stackalloc byte[quoted.Length];
            return Find(plain[..reader.CopyString(plain)], hasEscapes: false);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // No text at all, as the deserializer will find.
            return -1;
        }
    }
}

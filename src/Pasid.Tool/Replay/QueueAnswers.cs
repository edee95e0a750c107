using System.Globalization;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <summary>Writes queues, descriptors and regions as recordings have them.</summary>
internal static class QueueAnswers
{
    private const int BytesOfDescriptor = 32;
    private const int WordsOfDescriptor = 4;

    public static string Words(in PageRequest request)
    {
        ulong[] words = new ulong[WordsOfDescriptor];
        request.WriteDescriptor(words);
        return Canonical.Strings(words.Select(Hex));
    }

    /// <summary>Whether each of some requests came in; <see langword="null"/> if it was not tried.</summary>
    public static string Booleans(IEnumerable<bool?> values) => Canonical.Json(writer =>
    {
        writer.WriteStartArray();
        foreach (bool? value in values)
        {
            if (value is { } known)
            {
                writer.WriteBooleanValue(known);
            }
            else
            {
                writer.WriteNullValue();
            }
        }

        writer.WriteEndArray();
    });

    /// <summary>Head, tail and status of each queue.</summary>
    public static string Registers(IEnumerable<PageRequestQueue> queues) => Canonical.Json(writer =>
    {
        writer.WriteStartObject();
        foreach (PageRequestQueue queue in queues)
        {
            writer.WriteStartArray(queue.Iommu.Name);
            writer.WriteNumberValue(queue.Head * BytesOfDescriptor);
            writer.WriteNumberValue(queue.Tail * BytesOfDescriptor);
            writer.WriteNumberValue((queue.IsPending ? 1 : 0) | (queue.HasOverflowed ? 2 : 0));
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    });

    /// <summary>The descriptors of responses, decoded and as words.</summary>
    public static string Descriptors(IEnumerable<PageResponse> responses) => Canonical.Json(writer =>
    {
        writer.WriteStartArray();
        ulong[] words = new ulong[WordsOfDescriptor];
        foreach (PageResponse response in responses)
        {
            response.WriteDescriptor(words);
            writer.WriteStartObject();
            writer.WriteString("iommu", response.Device.Iommu!.Name);
            writer.WriteNumber("type", words[0] & 0xF);
            writer.WriteNumber("pasid_present", (words[0] >> 4) & 1);
            writer.WriteNumber("pdp", (words[0] >> 5) & 1);
            writer.WriteNumber("code", (words[0] >> 12) & 0xF);
            writer.WriteNumber("rid", (words[0] >> 16) & 0xFFFF);
            writer.WriteNumber("pasid", (words[0] >> 32) & 0xFFFFF);
            writer.WriteNumber("lpig", (words[1] >> 2) & 1);
            writer.WriteNumber("index", (words[1] >> 3) & 0x1FF);
            for (int i = 0; i < words.Length; i++)
            {
                writer.WriteString(string.Create(CultureInfo.InvariantCulture, $"qw{i}"), Hex(words[i]));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    /// <summary>Start and end of each region, by the address spaces that have any.</summary>
    public static string Regions(IEnumerable<(string Name, IReadOnlyList<AddressRegion> Regions)> maps) => Canonical.Json(writer =>
    {
        writer.WriteStartObject();
        foreach ((string name, IReadOnlyList<AddressRegion> regions) in maps)
        {
            if (regions.Count == 0)
            {
                continue;
            }

            writer.WriteStartArray(name);
            foreach (AddressRegion region in regions)
            {
                writer.WriteStartArray();
                writer.WriteStringValue(Hex(region.Start));
                writer.WriteStringValue(Hex(region.Last + 1));
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    });

    private static string Hex(ulong value) => string.Create(CultureInfo.InvariantCulture, $"0x{value:x}");
}

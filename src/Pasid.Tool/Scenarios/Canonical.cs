using System.Text.Encodings.Web;
using System.Text.Json;

namespace Pasid.Tool.Scenarios;

/// <summary>Compact JSON in the one form in which answers are compared.</summary>
internal static class Canonical
{
    // Names come from files: '->' and '<' stay readable, and nothing of this ever reaches a browser.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Strings(IEnumerable<string> values) => Write(int.MaxValue, writer =>
    {
        writer.WriteStartArray();
        foreach (string value in values)
        {
            writer.WriteStringValue(value);
        }

        writer.WriteEndArray();
    });

    /// <summary>Writes a value as it stands, without white space.</summary>
    public static string Json(JsonElement value) => Write(int.MaxValue, value.WriteTo);

    /// <summary>Writes what a step writes itself.</summary>
    public static string Json(Action<Utf8JsonWriter> write) => Write(int.MaxValue, write);

    public static string Numbers(IEnumerable<long> values, int limit = int.MaxValue) => Write(limit, writer =>
    {
        writer.WriteStartArray();
        foreach (long value in values.TakeWhile(_ => IsWithin(writer, limit)))
        {
            writer.WriteNumberValue(value);
        }

        writer.WriteEndArray();
    });

    public static string NumbersByName(IEnumerable<KeyValuePair<string, long>> values, int limit = int.MaxValue) => Write(limit, writer =>
    {
        writer.WriteStartObject();
        foreach ((string name, long value) in values.TakeWhile(_ => IsWithin(writer, limit)))
        {
            writer.WriteNumber(name, value);
        }

        writer.WriteEndObject();
    });

    public static string Data(string? data) => Write(int.MaxValue, writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("data", data);
        writer.WriteEndObject();
    });

    public static string Error(long errno) => NumbersByName([new("errno", errno)]);

    public static string Bindings(IEnumerable<BindingAnswer> bindings, int limit = int.MaxValue) => Write(limit, writer =>
    {
        writer.WriteStartArray();
        foreach (BindingAnswer binding in bindings.TakeWhile(_ => IsWithin(writer, limit)))
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(binding.Pasid);
            writer.WriteStringValue(binding.AddressSpace);
            writer.WriteNumberValue(binding.Flags);
            writer.WriteStartArray();
            foreach ((string device, long users) in binding.Devices.TakeWhile(_ => IsWithin(writer, limit)))
            {
                writer.WriteStartArray();
                writer.WriteStringValue(device);
                writer.WriteNumberValue(users);
                writer.WriteEndArray();
            }

            writer.WriteEndArray();
            writer.WriteEndArray();
        }

        writer.WriteEndArray();
    });

    private static bool IsWithin(Utf8JsonWriter writer, int limit) => writer.BytesCommitted + writer.BytesPending <= limit;

    /// <summary>Writes a value; one that is longer than the limit is cut, and ends as no JSON does.</summary>
    private static string Write(int limit, Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, s_options))
        {
            write(writer);
        }

        string text = System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
        return stream.Length <= limit ? text : $"{text[..^1]},…";
    }
}

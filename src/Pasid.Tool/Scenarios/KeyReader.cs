using System.Globalization;
using System.Text.Json;

namespace Pasid.Tool.Scenarios;

/// <summary>
/// Reads the keys of one JSON object, each once and with its type; whatever does not fit the format is a
/// <see cref="MalformedException"/> that names the place.
/// </summary>
internal sealed class KeyReader
{
    private readonly string _path;
    private readonly int _line;
    private readonly string _what;
    private readonly Dictionary<string, JsonElement> _unread = new(StringComparer.Ordinal);

    /// <param name="path">The file.</param>
    /// <param name="line">The line, from 1.</param>
    /// <param name="what">What the object is, for messages.</param>
    /// <param name="element">The object.</param>
    public KeyReader(string path, int line, string what, JsonElement element)
    {
        _path = path;
        _line = line;
        _what = what;
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Malformed($"{what} must be an object, not {Describe(element)}");
        }

        foreach (JsonProperty property in element.EnumerateObject())
        {
            string key = Text(() => property.Name);
            if (!_unread.TryAdd(key, property.Value))
            {
                throw Malformed($"{what} has the key '{key}' twice");
            }
        }
    }

    public MalformedException Malformed(string message) => new(_path, _line, message);

    public string String(string key) => String(key, Take(key));

    public string? StringOrNull(string key)
    {
        JsonElement value = Take(key);
        return value.ValueKind == JsonValueKind.Null ? null : String(key, value);
    }

    public string? OptionalString(string key) => TryTake(key, out JsonElement value) ? String(key, value) : null;

    public bool Boolean(string key) => Boolean(key, Take(key));

    public bool? BooleanOrNull(string key)
    {
        JsonElement value = Take(key);
        return value.ValueKind == JsonValueKind.Null ? null : Boolean(key, value);
    }

    public bool OptionalBoolean(string key, bool absent) => TryTake(key, out JsonElement value) ? Boolean(key, value) : absent;

    public long Integer(string key, long minimum, long maximum) => Integer(key, Take(key), minimum, maximum);

    public long? OptionalInteger(string key, long minimum, long maximum) =>
        TryTake(key, out JsonElement value) ? Integer(key, value, minimum, maximum) : null;

    /// <summary>Reads a number of 64 bits without a sign.</summary>
    public ulong? OptionalUnsigned(string key) => !TryTake(key, out JsonElement value) ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out ulong number) ? number
        : throw WrongType(key, "a whole number from 0 to 18446744073709551615", value);

    /// <summary>Tells whether a key is there and not read yet.</summary>
    public bool Has(string key) => _unread.ContainsKey(key);

    public bool IsString(string key) => _unread.TryGetValue(key, out JsonElement value) && value.ValueKind == JsonValueKind.String;

    public Ioasid Id(string key) => new((uint)Integer(key, uint.MinValue, uint.MaxValue));

    /// <summary>A PASID as drivers pass it: a C int, so that negative numbers stand for very large ones.</summary>
    public Ioasid Pasid(string key) => new(unchecked((uint)Integer(key, int.MinValue, uint.MaxValue)));

    public KeyReader Object(string key, string what) => new(_path, _line, what, Take(key));

    public KeyReader Object(string key, string what, JsonElement value) => new(_path, _line, what, value.ValueKind == JsonValueKind.Object ? value : throw WrongType(key, "an object", value));

    public KeyReader? OptionalObject(string key, string what) =>
        TryTake(key, out JsonElement value) ? new KeyReader(_path, _line, what, value) : null;

    public IReadOnlyList<KeyReader> Objects(string key, string what) =>
        [.. Array(key, Take(key)).Select(element => new KeyReader(_path, _line, what, element))];

    public IReadOnlyList<KeyReader> OptionalObjects(string key, string what) =>
        TryTake(key, out JsonElement value) ? [.. Array(key, value).Select(element => new KeyReader(_path, _line, what, element))] : [];

    /// <summary>Reads an address: 64 bits are more than numbers of JSON carry everywhere, so it is a string such as <c>"0x1000"</c>.</summary>
    public ulong Address(string key)
    {
        string text = String(key);
        return text.StartsWith("0x", StringComparison.Ordinal) && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong address)
            ? address
            : throw Malformed($"'{key}' of {_what} must be an address such as \"0x1000\", not '{text}'");
    }

    public IReadOnlyList<string> Strings(string key) => [.. Array(key, Take(key)).Select(element => String(key, element))];

    /// <summary>Reads all keys as strings.</summary>
    public IReadOnlyDictionary<string, string> StringsByKey() =>
        _unread.Keys.ToArray().ToDictionary(key => key, String, StringComparer.Ordinal);

    /// <summary>Reads all keys as whole numbers.</summary>
    public IReadOnlyDictionary<string, long> IntegersByKey() =>
        _unread.Keys.ToArray().ToDictionary(key => key, key => Integer(key, long.MinValue, long.MaxValue), StringComparer.Ordinal);

    public bool TryTake(string key, out JsonElement value) => _unread.Remove(key, out value);

    public JsonElement Take(string key) =>
        TryTake(key, out JsonElement value) ? value : throw Malformed($"{_what} lacks the key '{key}'");

    /// <summary>Ends the reading: no key may be left.</summary>
    public void End()
    {
        if (_unread.Count != 0)
        {
            throw Malformed($"{_what} has the unknown key '{_unread.Keys.First()}'");
        }
    }

    public string String(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? Text(() => value.GetString()!) : throw WrongType(key, "a string", value);

    public bool Boolean(string key, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw WrongType(key, "true or false", value),
    };

    public long Integer(string key, JsonElement value, long minimum, long maximum) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) && number >= minimum && number <= maximum
            ? number
            : throw WrongType(key, string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"), value);

    public IEnumerable<JsonElement> Array(string key, JsonElement value) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw WrongType(key, "an array", value);

    public MalformedException WrongType(string key, string expected, JsonElement value) =>
        Malformed($"'{key}' of {_what} must be {expected}, not {Describe(value)}");

    /// <summary>Gets a text; an escaped surrogate without its other half passes the parser and fails only here.</summary>
    private string Text(Func<string> get)
    {
        try
        {
            return get();
        }
        catch (InvalidOperationException exception)
        {
            throw new MalformedException($"{_path}:{_line}: {_what} has text that is no valid Unicode", exception);
        }
    }

    private static string Describe(JsonElement value)
    {
        string text = value.GetRawText();
        return value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "an array",
            _ when text.Length > 40 => $"{text[..40]}…",
            _ => text,
        };
    }
}

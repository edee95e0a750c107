using System.Globalization;
using System.Text.Json;

namespace Pasid.Tool.Scenarios;

/// <summary>
/// Reads the expected answers of a step. In a recording each has to be there; in a scenario to run none has. Only their
/// types are checked: a value that no kernel would give is a difference to be found, not a malformed file.
/// </summary>
internal sealed class ExpectationReader(KeyReader keys, bool isRecording)
{
    private readonly List<Answer> _answers = [];

    public IReadOnlyList<Answer> Answers => _answers;

    /// <summary>A number: 0 or a negative errno as the kernel returns it, or an id.</summary>
    public void Number(string key) => Read(key, value => Number(key, value));

    public void NumberOrNull(string key) => Read(key, value => value.ValueKind == JsonValueKind.Null ? "null" : Number(key, value));

    public void Boolean(string key) => Read(key, value => keys.Boolean(key, value) ? "true" : "false");

    /// <summary>The answer to <c>get</c>: 0 or a warning.</summary>
    public void NumberOrWarning(string key) => Read(key, value => value.ValueKind == JsonValueKind.String
        ? keys.String(key, value) == "warn" ? "\"warn\"" : throw keys.WrongType(key, "0 or \"warn\"", value)
        : Number(key, value));

    /// <summary>The answer to <c>find</c>: data or an error.</summary>
    public void Found(string key) => Read(key, value =>
    {
        if (value.ValueKind == JsonValueKind.Object && value.EnumerateObject().Count() == 1)
        {
            if (value.TryGetProperty("data", out JsonElement data))
            {
                return Canonical.Data(data.ValueKind == JsonValueKind.Null ? null : keys.String("data", data));
            }

            if (value.TryGetProperty("errno", out JsonElement errno))
            {
                return Canonical.Error(Integer("errno", errno));
            }
        }

        throw keys.WrongType(key, "an object with 'data' or 'errno'", value);
    });

    /// <summary>A string, number, <c>true</c> or <c>false</c> that may be left out.</summary>
    public void OptionalScalar(string key)
    {
        if (keys.TryTake(key, out JsonElement value))
        {
            _answers.Add(new Answer(key, value.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? throw keys.WrongType(key, "no object or array", value) : value.GetRawText()));
        }
    }

    public void OptionalStrings(string key)
    {
        if (keys.TryTake(key, out JsonElement value))
        {
            _answers.Add(new Answer(key, Strings(key, value)));
        }
    }

    /// <summary>Numbers by name that may be left out.</summary>
    public void OptionalNumbersByName(string key)
    {
        if (keys.OptionalObject(key, $"'{key}'") is { } numbers)
        {
            _answers.Add(new Answer(key, Canonical.NumbersByName(numbers.IntegersByKey())));
        }
    }

    public void Numbers(string key) => Read(key, value => Numbers(key, value));

    public void Strings(string key) => Read(key, value => Strings(key, value));

    /// <summary>An array of strings that a recording leaves out where it is empty.</summary>
    public void StringsOrAbsent(string key)
    {
        if (keys.TryTake(key, out JsonElement value))
        {
            _answers.Add(new Answer(key, Strings(key, value)));
        }
        else if (isRecording)
        {
            _answers.Add(new Answer(key, "[]"));
        }
    }

    /// <summary>Tells whether an answer is there.</summary>
    public bool Has(string key) => keys.Has(key);

    public void NumbersByName(string key) => Read(key, value => Canonical.NumbersByName(keys.Object(key, $"'{key}'", value).IntegersByKey()));

    /// <summary>Anything, as it stands.</summary>
    public void Json(string key) => Read(key, Canonical.Json);

    /// <summary>Anything, as it stands, that may be left out.</summary>
    /// <param name="key">The key.</param>
    /// <param name="absent">What is expected then; <see langword="null"/> for nothing in particular.</param>
    public void OptionalJson(string key, string? absent = null)
    {
        if (keys.TryTake(key, out JsonElement value))
        {
            _answers.Add(new Answer(key, Canonical.Json(value)));
        }
        else if (absent is not null)
        {
            _answers.Add(new Answer(key, absent));
        }
    }

    /// <summary>The state after a step, as one answer a part.</summary>
    public void State(string key, Topology topology)
    {
        KeyReader? state = isRecording ? keys.Object(key, "the state") : keys.OptionalObject(key, "the state");
        if (state is null)
        {
            return;
        }

        _answers.Add(new Answer("state.mm_pasid", Remembered(state.Object("mm_pasid", "'mm_pasid'"), topology)));
        _answers.Add(new Answer("state.live", Numbers("live", state.Take("live"))));
        _answers.Add(new Answer("state.svms", Bindings("svms", state.Take("svms"))));
        state.End();
    }

    /// <summary>The remembered PASIDs, in the order of the header.</summary>
    private static string Remembered(KeyReader remembered, Topology topology)
    {
        IReadOnlyDictionary<string, long> pasids = remembered.IntegersByKey();
        return Canonical.NumbersByName(pasids.OrderBy(pasid => topology.Positions.GetValueOrDefault(pasid.Key, int.MaxValue)));
    }

    private long Integer(string key, JsonElement value) => keys.Integer(key, value, long.MinValue, long.MaxValue);

    private string Number(string key, JsonElement value) => Integer(key, value).ToString(CultureInfo.InvariantCulture);

    private void Read(string key, Func<JsonElement, string> canonicalize)
    {
        if (isRecording)
        {
            _answers.Add(new Answer(key, canonicalize(keys.Take(key))));
        }
        else if (keys.TryTake(key, out JsonElement value))
        {
            _answers.Add(new Answer(key, canonicalize(value)));
        }
    }

    private string Numbers(string key, JsonElement value) =>
        Canonical.Numbers(keys.Array(key, value).Select(element => Integer(key, element)));

    private string Strings(string key, JsonElement value) =>
        Canonical.Strings(keys.Array(key, value).Select(element => keys.String(key, element)));

    private string Bindings(string key, JsonElement value) =>
        Canonical.Bindings(keys.Array(key, value).Select(element => Binding(key, element)));

    private BindingAnswer Binding(string key, JsonElement value)
    {
        JsonElement[] parts = Parts(key, value, 4, "[pasid, mm, flags, devices]");
        return new BindingAnswer(
            Integer(key, parts[0]),
            parts[1].ValueKind == JsonValueKind.Null ? null : keys.String(key, parts[1]),
            Integer(key, parts[2]),
            [.. keys.Array(key, parts[3]).Select(device => Device(key, device))]);
    }

    private KeyValuePair<string, long> Device(string key, JsonElement value)
    {
        JsonElement[] parts = Parts(key, value, 2, "[device, users]");
        return new(keys.String(key, parts[0]), Integer(key, parts[1]));
    }

    private JsonElement[] Parts(string key, JsonElement value, int count, string shape)
    {
        JsonElement[] parts = [.. keys.Array(key, value)];
        return parts.Length == count ? parts : throw keys.WrongType(key, $"made of {shape}", value);
    }
}

using System.Globalization;
using System.Text.Json;

namespace Pasid.Tool.Scenarios;

/// <summary>Reads the expected answers of a step. In a recording each has to be there; in a scenario to run none has.</summary>
internal sealed class ExpectationReader(KeyReader keys, bool isRecording)
{
    private readonly List<Answer> _answers = [];

    public IReadOnlyList<Answer> Answers => _answers;

    /// <summary>A number, <c>0</c> or a negative errno as the kernel returns it, or an id.</summary>
    public void Number(string key, long minimum, long maximum) => Read(key, value => Format(keys.Integer(key, value, minimum, maximum)));

    public void NumberOrNull(string key, long minimum, long maximum) => Read(key, value =>
        value.ValueKind == JsonValueKind.Null ? "null" : Format(keys.Integer(key, value, minimum, maximum)));

    public void Boolean(string key) => Read(key, value => keys.Boolean(key, value) ? "true" : "false");

    /// <summary>The answer to <c>get</c>: 0 or a warning.</summary>
    public void NumberOrWarning(string key) => Read(key, value => value.ValueKind == JsonValueKind.String
        ? keys.String(key, value) == "warn" ? "\"warn\"" : throw keys.WrongType(key, "0 or \"warn\"", value)
        : Format(keys.Integer(key, value, 0, 0)));

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
                return Canonical.Error(keys.Integer("errno", errno, short.MinValue, -1));
            }
        }

        throw keys.WrongType(key, "an object with 'data' or 'errno'", value);
    });

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

    private static string Format(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Remembered(KeyReader remembered, Topology topology)
    {
        List<KeyValuePair<string, long>> pasids = [];
        foreach (string addressSpace in topology.AddressSpaces)
        {
            if (remembered.OptionalInteger(addressSpace, 0, uint.MaxValue) is { } pasid)
            {
                pasids.Add(new(addressSpace, pasid));
            }
        }

        remembered.End();
        return Canonical.NumbersByName(pasids);
    }

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
        Canonical.Numbers(keys.Array(key, value).Select(element => keys.Integer(key, element, 0, uint.MaxValue)));

    private string Strings(string key, JsonElement value) =>
        Canonical.Strings(keys.Array(key, value).Select(element => keys.String(key, element)));

    private string Bindings(string key, JsonElement value) =>
        Canonical.Bindings(keys.Array(key, value).Select(element => Binding(key, element)));

    private BindingAnswer Binding(string key, JsonElement value)
    {
        JsonElement[] parts = Parts(key, value, 4, "[pasid, mm, flags, devices]");
        return new BindingAnswer(
            keys.Integer(key, parts[0], 0, uint.MaxValue),
            parts[1].ValueKind == JsonValueKind.Null ? null : keys.String(key, parts[1]),
            keys.Integer(key, parts[2], 0, int.MaxValue),
            [.. keys.Array(key, parts[3]).Select(device => Device(key, device))]);
    }

    private KeyValuePair<string, long> Device(string key, JsonElement value)
    {
        JsonElement[] parts = Parts(key, value, 2, "[device, users]");
        return new(keys.String(key, parts[0]), keys.Integer(key, parts[1], 0, long.MaxValue));
    }

    private JsonElement[] Parts(string key, JsonElement value, int count, string shape)
    {
        JsonElement[] parts = [.. keys.Array(key, value)];
        return parts.Length == count ? parts : throw keys.WrongType(key, $"made of {shape}", value);
    }
}

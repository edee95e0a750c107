using System.Text;

namespace Pasid.Tool.Scenarios;

/// <summary>One thing that a step answers, as compact JSON, so that what is expected and what came can be compared and printed.</summary>
internal sealed record Answer
{
    private readonly Func<int, string>? _write;
    private string? _text;

    /// <param name="key">The key of the format; parts of <c>state</c> have keys of their own, such as <c>state.live</c>.</param>
    /// <param name="text">The value.</param>
    public Answer(string key, string text)
    {
        Key = key;
        _text = text;
    }

    /// <summary>Makes an answer that grows with the host, and so is written only where it is asked for, before the next step.</summary>
    /// <param name="key">The key.</param>
    /// <param name="write">Writes the value; what is longer than so many bytes, it cuts and ends as no JSON ends.</param>
    public Answer(string key, Func<int, string> write)
    {
        Key = key;
        _write = write;
    }

    public string Key { get; }

    public string Text
    {
        get => _text ??= _write!(int.MaxValue);
        init => _text = value;
    }

    /// <summary>Tells whether the value is as expected, without writing much more than that.</summary>
    public bool Is(string expected) => string.Equals(Begin(Encoding.UTF8.GetByteCount(expected)), expected, StringComparison.Ordinal);

    /// <summary>Gets the value, or the beginning of one that grows with the host and is longer than so many bytes.</summary>
    public string Begin(int length) => _text ?? _write!(length);

    public bool Equals(Answer? other) => other is not null && Key == other.Key && Text == other.Text;

    public override int GetHashCode() => HashCode.Combine(Key, Text);

    public override string ToString() => $"{Key}: {Text}";
}

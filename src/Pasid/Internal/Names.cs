using System.Diagnostics.CodeAnalysis;

namespace Pasid.Internal;

/// <summary>What may be a name: any text that survives being written as UTF-8 and read again.</summary>
internal static class Names
{
    /// <summary>Refuses <see langword="null"/> and text with half of a surrogate pair.</summary>
    public static string Check([NotNull] string? name, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(name, parameterName);
        int broken = FindBroken(name);
        return broken < 0 ? name : throw new ArgumentException($"The name has half of a surrogate pair at index {broken}: give text that is valid Unicode.", parameterName);
    }

    /// <summary>Finds the first half of a surrogate pair that has no other half, or -1.</summary>
    public static int FindBroken(ReadOnlySpan<char> text)
    {
        int from = 0;
        while (text[from..].IndexOfAnyInRange('\uD800', '\uDFFF') is >= 0 and var found)
        {
            from += found;
            if (from + 1 >= text.Length || !char.IsSurrogatePair(text[from], text[from + 1]))
            {
                return from;
            }

            from += 2;
        }

        return -1;
    }
}

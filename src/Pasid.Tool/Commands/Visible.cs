using System.Globalization;
using System.Text;

namespace Pasid.Tool.Commands;

/// <summary>Makes text that comes from elsewhere safe to show: it stays on its line, in its direction, and is all there to be seen.</summary>
internal static class Visible
{
    /// <summary>Writes controls, formats, line breaks and halves of surrogate pairs as <c>\u001b</c>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="isUnicode">Whether all of Unicode can be shown; otherwise whatever is not ASCII is written so too.</param>
    public static string Of(string text, bool isUnicode = true)
    {
        StringBuilder? safe = null;
        for (int i = 0; i < text.Length;)
        {
            bool isWhole = Rune.TryGetRuneAt(text, i, out Rune rune);
            int length = isWhole ? rune.Utf16SequenceLength : 1;
            if (isWhole && IsShown(rune, isUnicode))
            {
                safe?.Append(text, i, length);
            }
            else
            {
                safe ??= new StringBuilder(text, 0, i, text.Length + 16);
                for (int j = i; j < i + length; j++)
                {
                    safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[j]:x4}");
                }
            }

            i += length;
        }

        return safe?.ToString() ?? text;
    }

    private static bool IsShown(Rune rune, bool isUnicode) => rune.IsAscii
        ? !Rune.IsControl(rune)
        : isUnicode && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format
            or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}

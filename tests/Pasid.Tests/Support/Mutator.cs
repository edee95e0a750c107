using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Pasid.Tests.Support;

/// <summary>Damages text in ways that a reader has to survive; the same seed does the same damage.</summary>
internal static partial class Mutator
{
    private static readonly string[] s_numbers =
        ["0", "-1", "1", "2", "255", "4095", "4294967294", "4294967295", "4294967296", "9223372036854775807", "-9223372036854775808", "1e300", "0.5", "\"1\"", "null", "true", "[]", "{}"];

    private static readonly string[] s_pieces = ["", "\"", "{", "}", "[", "]", ",", ":", "\\", "\\u0000", "\0", "\u00ff", "\n", "null", "[[[[[[[[", "999999999999999999999999"];

    public static byte[] Mutate(string text, int seed)
    {
        var random = new Random(seed);
        string mutated = text;
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            mutated = random.Next(3) == 0 ? ChangePiece(mutated, random) : ChangeNumber(mutated, random);
        }

        byte[] bytes = Encoding.UTF8.GetBytes(mutated);
        if (random.Next(10) == 0 && bytes.Length != 0)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        return bytes;
    }

    private static string ChangeNumber(string text, Random random)
    {
        MatchCollection numbers = Number().Matches(text);
        if (numbers.Count == 0)
        {
            return ChangePiece(text, random);
        }

        Match match = numbers[random.Next(numbers.Count)];
        string number = random.Next(2) == 0 ? s_numbers[random.Next(s_numbers.Length)] : random.Next(-2, 20).ToString(CultureInfo.InvariantCulture);
        return text[..match.Index] + number + text[(match.Index + match.Length)..];
    }

    private static string ChangePiece(string text, Random random)
    {
        int from = random.Next(text.Length + 1);
        int to = Math.Min(text.Length, from + random.Next(random.Next(4) == 0 ? 200 : 3));
        string piece = random.Next(3) == 0 ? text.Substring(random.Next(text.Length + 1) / 2, Math.Min(text.Length / 2, random.Next(60))) : s_pieces[random.Next(s_pieces.Length)];
        return text[..from] + piece + text[to..];
    }

    [GeneratedRegex("(?<=[:,\\[ ])-?[0-9]+")]
    private static partial Regex Number();
}

using System.Text.RegularExpressions;

namespace Pasid.Tests.Conventions;

/// <summary>The glossary of the README has every word of which the names of the public types are made.</summary>
public sealed partial class GlossaryTests
{
    /// <summary>Words of .NET and of everybody, which mean here what they mean anywhere.</summary>
    private static readonly string[] s_common =
        ["Code", "Collection", "Exception", "Extension", "Flag", "Function", "Info", "Kind", "Option", "Order", "Outcome", "Result", "Service"];

    private static readonly string[][] s_rows =
    [
        .. File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "README.md")).ReplaceLineEndings("\n")
            .Split("\n## Glossary\n")[1].Split("\n## ")[0]
            .Split('\n')
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Skip(1)
            .Select(line => line.Trim('|', ' ').Split(" | ")),
    ];

    private static readonly string[] s_words =
    [
        .. typeof(IoasidAllocator).Assembly.GetExportedTypes()
            .Where(type => !type.IsNested)
            .SelectMany(type => Parts().Matches(type.IsInterface ? type.Name[1..] : type.Name).Select(match => match.Value))
            .Select(word => word.EndsWith('s') && !word.EndsWith("ss", StringComparison.Ordinal) && word is not ("Status" or "Statistics") ? word[..^1] : word)
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    public static TheoryData<string> Words() => [.. s_words.Except(s_common)];

    [Theory]
    [MemberData(nameof(Words))]
    public void A_word_of_a_public_name_is_in_the_glossary(string word) =>
        s_rows.Select(row => row[0]).Should().Contain(term => Regex.IsMatch(term, $@"\b{word}s?\b", RegexOptions.IgnoreCase));

    [Fact]
    public void A_word_that_is_left_out_is_in_a_public_name_and_in_no_row()
    {
        s_common.Should().BeSubsetOf(s_words);
        s_common.Should().NotContain(word => s_rows.Any(row => row[0].Contains(word, StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public void Rows_are_a_word_a_short_meaning_and_what_the_kernel_calls_it_in_the_order_of_the_words()
    {
        s_rows.Should().HaveCountGreaterThan(50).And.OnlyContain(row => row.Length == 3 && row[1].Length < 120 && !row[1].EndsWith('.'));
        s_rows.Select(row => row[0]).Should().OnlyHaveUniqueItems().And.BeInAscendingOrder(StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>A lone capital before a word is no word of its own, but letters in capitals are.</summary>
    [GeneratedRegex("[A-Z][a-z]+|[A-Z]+(?![a-z])")]
    private static partial Regex Parts();
}

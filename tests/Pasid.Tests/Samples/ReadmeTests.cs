namespace Pasid.Tests.Samples;

public sealed class ReadmeTests
{
    private static readonly string s_readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public void The_snippet_runs_and_prints_what_the_readme_says()
    {
        List<string> printed = [];

        ReadmeSample.Run(printed.Add);

        printed.Should().Equal("solver is PASID 1 on both devices: True", "PASID 1 reaches solver");
    }

    [Fact]
    public void The_snippet_of_the_readme_is_the_one_that_runs()
    {
        using var reader = new StreamReader(typeof(ReadmeTests).Assembly.GetManifestResourceStream("ReadmeSample.cs")!);
        string source = reader.ReadToEnd().ReplaceLineEndings("\n");
        string[] lines = source[(source.IndexOf("// <readme>\n", StringComparison.Ordinal) + 12)..source.IndexOf("        // </readme>", StringComparison.Ordinal)].TrimEnd().Split('\n');
        string snippet = string.Join('\n', lines.Select(line => line.Length > 8 ? line[8..] : line)).Replace("print(", "Console.WriteLine(", StringComparison.Ordinal);

        s_readme.Should().Contain($"```csharp\nusing Pasid;\n\n{snippet}\n```");
    }

    [Fact]
    public void Every_quirk_profile_and_status_has_its_row()
    {
        foreach (string name in Enum.GetNames<KernelQuirks>().Where(name => name != nameof(KernelQuirks.None)))
        {
            s_readme.Should().Contain($"| `{name}` |");
        }

        foreach (PasidStatus status in Enum.GetValues<PasidStatus>())
        {
            s_readme.Should().Contain($"| `{status}` | {(int)status} |");
        }

        foreach (string profile in new[] { nameof(KernelProfile.Default), nameof(KernelProfile.Seed), nameof(KernelProfile.Linux56) })
        {
            s_readme.Should().Contain($"`KernelProfile.{profile}`");
        }
    }
}

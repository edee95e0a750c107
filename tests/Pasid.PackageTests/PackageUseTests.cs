using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Pasid.PackageTests.Support;

namespace Pasid.PackageTests;

/// <summary>The packages used from outside, as somebody would who has just found them.</summary>
[Collection(nameof(PackedPackages))]
public sealed partial class PackageUseTests(PackedPackages packages)
{
    private const string DependencyInjection = """<PackageReference Include="Microsoft.Extensions.DependencyInjection" Version="10.0.15" />""";

    private static readonly string[] s_threeHosts =
    [
        "north: PASID 1, 1 live",
        "south: PASID 1, 1 live",
        "west: PASID 1, 1 live",
        "live: 0",
        "snapshots: 3, bindings: 3",
    ];

    [Fact]
    public void The_first_snippet_of_the_readme_builds_and_runs()
    {
        string readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "README.md"));
        string project = packages.NewProject("Snippet", CSharpBlock().Match(readme).Groups[1].Value);

        string written = Dotnet.Run(project, "run");

        Lines(written).Should().Equal("solver is PASID 1 on both devices: True", "PASID 1 reaches solver");
    }

    [Fact]
    public void A_newcomers_program_binds_two_devices_sees_one_pasid_and_leaks_nothing()
    {
        string project = packages.NewProject("Newcomer", Program("Newcomer.cs"));

        Lines(Dotnet.Run(project, "run")).Should().Equal("PASIDs: 1 1", "after exit: 1 live, 2 bound", "after unbind: 0 live, 0 bound, 0 leaked");
    }

    [Fact]
    public void Three_keyed_hosts_live_in_one_program()
    {
        string project = packages.NewProject("ThreeHosts", Program("ThreeHosts.cs"), references: DependencyInjection);

        Lines(Dotnet.Run(project, "run")).Should().Equal(s_threeHosts);
    }

    [Fact]
    public void A_trimmed_program_is_published_without_warnings_and_runs()
    {
        string project = packages.NewProject(
            "Trimmed",
            Program("ThreeHosts.cs"),
            "<PublishTrimmed>true</PublishTrimmed><TrimmerSingleWarn>false</TrimmerSingleWarn><SelfContained>true</SelfContained>",
            DependencyInjection);

        Publish(project, "Trimmed").Should().Equal(s_threeHosts);
    }

    [Fact]
    public void A_native_program_is_published_without_warnings_and_runs_where_a_native_compiler_is_installed()
    {
        // Without one the same analysis runs at compile time, and it is as strict.
        bool hasCompiler = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "clang")));
        string project = packages.NewProject(
            "Native",
            Program("ThreeHosts.cs"),
            hasCompiler ? "<PublishAot>true</PublishAot><TrimmerSingleWarn>false</TrimmerSingleWarn>" : "<IsAotCompatible>true</IsAotCompatible>",
            DependencyInjection);

        string[] written = hasCompiler ? Publish(project, "Native") : Lines(Dotnet.Run(project, "run"));

        written.Should().Equal(s_threeHosts);
    }

    [Fact]
    public void The_tool_is_installed_and_verifies_the_recordings()
    {
        string folder = packages.NewFolder("tool");
        Dotnet.Run(folder, "tool", "install", "Pasid.Tool", "--version", PackedPackages.Version, "--tool-path", folder);
        string tool = Path.Combine(folder, RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "pasid.exe" : "pasid");

        string verified = Dotnet.RunProgram(tool, folder, "verify", Path.Combine(AppContext.BaseDirectory, "Vectors"));
        string played = Dotnet.RunProgram(tool, folder, "run");

        verified.Should().Contain("86 files, 58758 steps, 0 mismatches");
        played.Should().Contain("PASID");
    }

    private static string[] Publish(string project, string name)
    {
        string output = Path.Combine(project, "published");
        string written = Dotnet.Run(project, "publish", "-c", "Release", "--use-current-runtime", "-o", output);
        written.Should().NotContainEquivalentOf("warning");
        return Lines(Dotnet.RunProgram(Path.Combine(output, name), project));
    }

    private static string Program(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Programs", name));

    private static string[] Lines(string written) =>
        written.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharpBlock();
}

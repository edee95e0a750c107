using System.IO.Compression;
using System.Reflection.Metadata;
using System.Xml.Linq;
using Pasid.PackageTests.Support;

namespace Pasid.PackageTests;

/// <summary>What is in the packages.</summary>
[Collection(nameof(PackedPackages))]
public sealed class PackageContentTests(PackedPackages packages)
{
    [Fact]
    public void Packing_gives_no_warning() => packages.Log.Should().NotContainEquivalentOf("warning");

    [Fact]
    public void The_library_holds_both_frameworks_with_documentation_and_nothing_else()
    {
        using ZipArchive package = packages.Open($"Pasid.{PackedPackages.Version}.nupkg");

        package.Entries.Select(entry => entry.FullName).Where(name => name.StartsWith("lib/", StringComparison.Ordinal) || !name.Contains('/', StringComparison.Ordinal))
            .Should().BeEquivalentTo(
            [
                "lib/net8.0/Pasid.dll",
                "lib/net8.0/Pasid.xml",
                "lib/net10.0/Pasid.dll",
                "lib/net10.0/Pasid.xml",
                "README.md",
                "Pasid.nuspec",
                "[Content_Types].xml",
            ]);
    }

    [Fact]
    public void The_library_has_exactly_two_dependencies_at_their_floors()
    {
        XElement metadata = Metadata($"Pasid.{PackedPackages.Version}.nupkg", "Pasid.nuspec");

        IEnumerable<string> dependencies = metadata.Descendants()
            .Where(element => element.Name.LocalName == "dependency")
            .Select(element => $"{element.Parent!.Attribute("targetFramework")!.Value} {element.Attribute("id")!.Value} {element.Attribute("version")!.Value}");

        dependencies.Should().BeEquivalentTo(
        [
            "net8.0 Microsoft.Extensions.DependencyInjection.Abstractions 8.0.2",
            "net8.0 Microsoft.Extensions.Logging.Abstractions 8.0.3",
            "net10.0 Microsoft.Extensions.DependencyInjection.Abstractions 10.0.0",
            "net10.0 Microsoft.Extensions.Logging.Abstractions 10.0.0",
        ]);
    }

    [Theory]
    [InlineData("Pasid", "license", "MIT")]
    [InlineData("Pasid", "readme", "README.md")]
    [InlineData("Pasid", "tags", "pasid ioasid")]
    [InlineData("Pasid", "releaseNotes", "# Changelog")]
    [InlineData("Pasid", "description", "simulators")]
    [InlineData("Pasid.Tool", "license", "MIT")]
    [InlineData("Pasid.Tool", "readme", "README.md")]
    public void The_metadata_is_there(string id, string name, string expected) =>
        Metadata($"{id}.{PackedPackages.Version}.nupkg", $"{id}.nuspec").Elements()
            .Should().ContainSingle(element => element.Name.LocalName == name)
            .Which.Value.Should().Contain(expected);

    [Fact]
    public void The_tool_is_a_tool() =>
        Metadata($"Pasid.Tool.{PackedPackages.Version}.nupkg", "Pasid.Tool.nuspec").Descendants()
            .Should().ContainSingle(element => element.Name.LocalName == "packageType")
            .Which.Attribute("name")!.Value.Should().Be("DotnetTool");

    [Theory]
    [InlineData("net8.0")]
    [InlineData("net10.0")]
    public void The_symbols_name_sources_by_paths_that_no_machine_has(string framework)
    {
        using ZipArchive symbols = packages.Open($"Pasid.{PackedPackages.Version}.snupkg");
        using var pdb = new MemoryStream();
        using (Stream entry = symbols.GetEntry($"lib/{framework}/Pasid.pdb")!.Open())
        {
            entry.CopyTo(pdb);
        }

        pdb.Position = 0;
        using var provider = MetadataReaderProvider.FromPortablePdbStream(pdb);
        MetadataReader reader = provider.GetMetadataReader();

        // What the compiler generated lies where these tests had it built.
        string[] sources = [.. reader.Documents.Select(handle => reader.GetString(reader.GetDocument(handle).Name)).Where(source => !source.Contains("/obj/", StringComparison.Ordinal))];

        sources.Should().Contain(source => source.EndsWith("IoasidAllocator.cs", StringComparison.Ordinal));
        sources.Should().OnlyContain(source => source.StartsWith("/_", StringComparison.Ordinal));
    }

    private XElement Metadata(string package, string nuspec)
    {
        using ZipArchive archive = packages.Open(package);
        using Stream stream = archive.GetEntry(nuspec)!.Open();
        return XDocument.Load(stream).Root!.Elements().Single();
    }
}

using System.IO.Compression;

namespace Pasid.PackageTests.Support;

/// <summary>The packages, made once from this tree into a folder of their own, with no trace in the tree.</summary>
public sealed class PackedPackages : IDisposable
{
    public const string Version = "0.1.0-packagetests";

    private readonly string _root = Directory.CreateTempSubdirectory("pasid-packages-").FullName;

    public PackedPackages()
    {
        string sources = FindSources();
        foreach (string project in new[] { "Pasid", "Pasid.Tool" })
        {
            Log += Dotnet.Run(
                sources,
                "pack",
                Path.Combine("src", project, $"{project}.csproj"),
                "-c",
                "Release",
                "-o",
                Folder,
                "-p:VersionSuffix=packagetests",
                "-p:UseArtifactsOutput=true",
                $"-p:ArtifactsPath={Path.Combine(_root, "artifacts")}");
        }

        // Beside the sources that the machine has configured; packages that were restored before are used again, ours never.
        File.WriteAllText(
            Path.Combine(_root, "nuget.config"),
            $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{Path.Combine(_root, "cache")}" /></config>
              <fallbackPackageFolders><add key="user" value="{UserPackages()}" /></fallbackPackageFolders>
              <packageSources><add key="packed" value="{Folder}" /></packageSources>
            </configuration>
            """);
    }

    /// <summary>Gets the folder with the packages.</summary>
    public string Folder => Path.Combine(_root, "packages");

    /// <summary>Gets what packing wrote.</summary>
    public string Log { get; } = string.Empty;

    public ZipArchive Open(string fileName) => ZipFile.OpenRead(Path.Combine(Folder, fileName));

    /// <summary>Makes a folder that sees the packages.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    /// <summary>Makes a console project that references the package.</summary>
    /// <returns>Its folder.</returns>
    public string NewProject(string name, string program, string properties = "", string references = "")
    {
        string folder = NewFolder(name);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), program);
        File.WriteAllText(
            Path.Combine(folder, $"{name}.csproj"),
            $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <InvariantGlobalization>true</InvariantGlobalization>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <WarningsNotAsErrors>NU1900;NU1901;NU1902;NU1903;NU1904</WarningsNotAsErrors>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Pasid" Version="{Version}" />
                {references}
              </ItemGroup>
            </Project>
            """);
        return folder;
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static string UserPackages() =>
        Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    private static string FindSources()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Pasid.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("Pasid.sln is in no folder above the tests: run them from the tree.");
    }
}

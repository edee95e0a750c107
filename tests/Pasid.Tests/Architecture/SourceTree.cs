namespace Pasid.Tests.Architecture;

/// <summary>The tree that the tests were built in.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static string Library => Path.Combine(Root, "src", "Pasid");

    /// <summary>Lists the C# files that are written by hand, below a folder of the tree.</summary>
    public static IEnumerable<string> Files(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(Root, file).Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"))
            .Order(StringComparer.Ordinal);

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Pasid.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("Pasid.sln is in no folder above the tests: run them from the tree.");
    }
}

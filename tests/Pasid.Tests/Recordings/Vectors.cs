namespace Pasid.Tests.Recordings;

/// <summary>The recorded answers of the kernel that lie beside the tests.</summary>
internal static class Vectors
{
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Vectors");

    public static string PathOf(string name) => Path.Combine(Folder, name);

    public static IEnumerable<string> Names() =>
        Directory.EnumerateFiles(Folder, "*.jsonl*").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal);
}

namespace Pasid.Tests.Architecture;

/// <summary>What is larger than this is read by nobody.</summary>
public sealed class SizeTests : IDisposable
{
    private readonly CompiledAssembly _library = CompiledAssembly.Open(typeof(IoasidAllocator).Assembly);

    public void Dispose() => _library.Dispose();

    [Fact]
    public void No_file_has_more_than_400_lines()
    {
        string[] files = [.. SourceTree.Files("src")];

        files.Should().HaveCountGreaterThan(100);
        files.Select(file => (Name: Path.GetRelativePath(SourceTree.Root, file), Lines: Lines(file)))
            .Where(file => file.Lines > 400)
            .Select(file => $"{file.Name}: {file.Lines}")
            .Should().BeEmpty();
    }

    /// <summary>A binder is a facade: many members, each of a few lines.</summary>
    [Fact]
    public void No_type_has_more_than_600_lines_in_all_its_files_and_the_binder_no_more_than_1200()
    {
        (string Name, int Lines)[] types = [.. Types()];

        types.Should().HaveCountGreaterThan(100).And.Contain(type => type.Name == typeof(SvmBinder).FullName);
        types.Where(type => type.Lines > (type.Name == typeof(SvmBinder).FullName ? 1_200 : 600))
            .Select(type => $"{type.Name}: {type.Lines}")
            .Should().BeEmpty();
    }

    [Fact]
    public void The_public_surface_has_no_more_than_770_entries()
    {
        int entries = File.ReadLines(Path.Combine(SourceTree.Library, "PublicAPI.Unshipped.txt")).Count(line => line.Length > 0 && !line.StartsWith('#'));

        entries.Should().BeInRange(400, 770);
    }

    private static int Lines(string file) => File.ReadLines(file).Count();

    private IEnumerable<(string Name, int Lines)> Types() =>
        _library.Documents().Select(type => (type.Key, Rooms.Paths(type.Value).Sum(path => Lines(Path.Combine(SourceTree.Library, path)))));
}

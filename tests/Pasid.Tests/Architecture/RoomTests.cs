namespace Pasid.Tests.Architecture;

/// <summary>The compiled library has the rooms and the arrows of <see cref="Rooms"/>, and no others.</summary>
public sealed class RoomTests : IDisposable
{
    private const string Nowhere = "no room";

    private readonly CompiledAssembly _library = CompiledAssembly.Open(typeof(IoasidAllocator).Assembly);

    public void Dispose() => _library.Dispose();

    [Fact]
    public void Every_type_is_in_one_room()
    {
        string[] wrong =
        [
            .. _library.Documents()
                .Select(type => (Name: Short(type.Key), Rooms: RoomsOf(type.Value)))
                .Where(type => type.Rooms is not [not Nowhere])
                .Select(type => $"{type.Name} is in {string.Join(" and in ", type.Rooms.DefaultIfEmpty(Nowhere))}"),
        ];

        wrong.Should().BeEmpty();
    }

    [Fact]
    public void No_type_names_a_type_of_a_room_that_its_own_may_not_know()
    {
        string[] forbidden =
        [
            .. Arrows()
                .Where(arrow => !Rooms.Allows(arrow.From, arrow.To))
                .Select(arrow => $"{arrow.From} -> {arrow.To}: {arrow.Naming.Member} names {Short(arrow.Naming.To)}")
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];

        string.Join('\n', forbidden).Should().BeEmpty();
    }

    [Fact]
    public void No_room_may_know_a_room_that_no_type_of_it_names()
    {
        var used = Arrows().Select(arrow => (arrow.From, arrow.To)).ToHashSet();

        Rooms.All
            .SelectMany(room => room.Arrows.Select(arrow => (From: room.Name, To: arrow)))
            .Where(arrow => !used.Contains(arrow))
            .Select(arrow => $"{arrow.From} -> {arrow.To}")
            .Should().BeEmpty();
    }

    [Fact]
    public void The_arrows_make_no_circle()
    {
        HashSet<string> below = [];
        foreach (Room room in Rooms.All)
        {
            room.Arrows.Should().OnlyHaveUniqueItems();
            room.Arrows.Should().BeSubsetOf(below, $"the rooms that {room.Name} may know stand above it in the list");
            below.Add(room.Name).Should().BeTrue();
        }
    }

    [Fact]
    public void The_picture_in_the_contributors_guide_is_the_one_of_the_list()
    {
        string guide = File.ReadAllText(Path.Combine(SourceTree.Root, ".github", "CONTRIBUTING.md")).ReplaceLineEndings("\n");
        int start = guide.IndexOf("```mermaid\n", StringComparison.Ordinal);
        string picture = start < 0 ? "" : guide[start..(guide.IndexOf("```", start + 3, StringComparison.Ordinal) + 3)];

        picture.Should().Be(Rooms.Draw(), "the guide is to show:\n{0}\n", Rooms.Draw());
    }

    [Fact]
    public void Every_room_has_its_row_in_the_contributors_guide()
    {
        string guide = File.ReadAllText(Path.Combine(SourceTree.Root, ".github", "CONTRIBUTING.md")).ReplaceLineEndings("\n");

        Rooms.All.Select(room => room.Name).Where(name => !guide.Contains($"\n| `{name}` |", StringComparison.Ordinal)).Should().BeEmpty();
    }

    [Theory]
    [InlineData("Svm/Steps/Gates/Signal.cs", "Svm/Steps")]
    [InlineData("Svm/SvmBinder.cs", "Svm")]
    [InlineData("SvmBinder.cs", null)]
    [InlineData("Svm.cs", null)]
    [InlineData("Elsewhere/Svm/SvmBinder.cs", null)]
    public void Of_answers_the_longest_room_that_holds_the_file(string path, string? room) => Rooms.Of(path).Should().Be(room);

    [Fact]
    public void Paths_begin_after_the_last_folder_of_the_name_and_leave_generated_files_out() =>
        Rooms.Paths(["/src/Pasid/trees/src/Pasid/Svm/SvmBinder.cs", "/_/src/Pasid/Svm/A.cs", "/_/src/Pasid/obj/Debug/Svm/B.g.cs", "/_/src/Pasid.Tool/C.cs", "D.g.cs"])
            .Should().Equal("Svm/SvmBinder.cs", "Svm/A.cs");

    private static string[] RoomsOf(IEnumerable<string> documents) =>
        [.. Rooms.Paths(documents).Select(path => Rooms.Of(path) ?? Nowhere).Distinct().Order(StringComparer.Ordinal)];

    private static string Short(string name) => name[(name.LastIndexOf('.') + 1)..].Split('`')[0];

    /// <summary>Lists the arrows between types that are in one room each; the others are those of <see cref="Every_type_is_in_one_room"/>.</summary>
    private IEnumerable<(string From, string To, Naming Naming)> Arrows()
    {
        var rooms = _library.Documents()
            .Select(type => (type.Key, Rooms: RoomsOf(type.Value)))
            .Where(type => type.Rooms is [not Nowhere])
            .ToDictionary(type => type.Key, type => type.Rooms[0]);

        return
            from naming in _library.Namings()
            where rooms.ContainsKey(naming.From) && rooms.ContainsKey(naming.To) && rooms[naming.From] != rooms[naming.To]
            select (rooms[naming.From], rooms[naming.To], naming);
    }
}

using System.Text;

namespace Pasid.Tests.Architecture;

/// <summary>The architecture: the rooms of the library, each below those that it may know.</summary>
internal static class Rooms
{
    /// <summary>What every room may know, and what is therefore left out of the picture.</summary>
    public const string Everywhere = "Internal";

    private const string Folder = "/src/Pasid/";

    public static IReadOnlyList<Room> All { get; } =
    [
        new("Internal"),
        new("Operations", "Internal"),
        new("Allocation", "Internal"),
        new("Svm/Profiles"),
        new("Enqcmd", "Allocation", "Internal"),
        new("Processes", "Allocation", "Enqcmd", "Operations", "Svm/Profiles", "Internal"),
        new("Hardware", "Allocation", "Processes", "Internal"),
        new("PageRequests/Answering", "Allocation", "Processes", "Hardware", "Operations", "Svm/Profiles", "Internal"),
        new("Svm/Steps", "Allocation", "Processes", "Hardware", "Operations"),
        new("Svm/Bindings", "Svm/Steps", "PageRequests/Answering", "Hardware", "Processes", "Allocation", "Operations", "Svm/Profiles"),
        new("Integrity", "Svm/Bindings", "PageRequests/Answering", "Hardware", "Processes", "Enqcmd", "Allocation", "Svm/Profiles"),
        new("Snapshots", "Svm/Bindings", "PageRequests/Answering", "Hardware", "Processes", "Enqcmd", "Allocation", "Operations", "Svm/Profiles", "Internal"),
        new("Diagnostics", "Allocation", "Internal"),
        new("Svm", "Svm/Bindings", "Svm/Steps", "Svm/Profiles", "Snapshots", "Integrity", "Diagnostics", "PageRequests/Answering", "Hardware", "Processes", "Enqcmd", "Allocation", "Operations", "Internal"),
        new("PageRequests", "Svm", "PageRequests/Answering", "Hardware", "Internal"),
        new("Container", "Svm", "PageRequests", "PageRequests/Answering", "Diagnostics", "Hardware", "Allocation", "Internal"),
    ];

    /// <summary>Finds the room of a file: the longest whose folder holds it; <see langword="null"/> if none does.</summary>
    /// <param name="path">From the library's folder on.</param>
    public static string? Of(string path) =>
        All.Select(room => room.Name).Where(name => path.StartsWith(name + "/", StringComparison.Ordinal)).MaxBy(name => name.Length);

    /// <summary>Answers where in the library's folder files stand; a folder above the tree may have its name, and what a generator writes is left out.</summary>
    public static IEnumerable<string> Paths(IEnumerable<string> documents) =>
        documents
            .Where(document => document.Contains(Folder, StringComparison.Ordinal))
            .Select(document => document[(document.LastIndexOf(Folder, StringComparison.Ordinal) + Folder.Length)..])
            .Where(path => !path.StartsWith("obj/", StringComparison.Ordinal));

    public static bool Allows(string from, string to) => All.Single(room => room.Name == from).Arrows.Contains(to);

    /// <summary>Draws the rooms as a Mermaid graph, the highest first.</summary>
    public static string Draw()
    {
        var picture = new StringBuilder("```mermaid\ngraph TD\n");
        foreach (Room room in All.Reverse().Where(room => room.Name != Everywhere))
        {
            string[] arrows = [.. room.Arrows.Where(arrow => arrow != Everywhere).Select(Node)];
            string node = room.Name.Contains('/', StringComparison.Ordinal) ? $"{Node(room.Name)}[\"{room.Name}\"]" : room.Name;
            picture.Append("    ").Append(node).Append(arrows.Length == 0 ? "" : " --> ").AppendJoin(" & ", arrows).Append('\n');
        }

        return picture.Append("```").ToString();
    }

    private static string Node(string name) => name[(name.LastIndexOf('/') + 1)..];
}

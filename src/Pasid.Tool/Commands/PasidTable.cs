using System.Globalization;
using Pasid.Tool.Replay;
using Spectre.Console;

namespace Pasid.Tool.Commands;

/// <summary>Shows the ids that are live at the end of a scenario, and those that nobody will ever free.</summary>
internal static class PasidTable
{
    public static void Show(IAnsiConsole console, IReplay replay)
    {
        switch (replay)
        {
            case BinderReplay binder:
                Show(console, binder);
                break;
            case AllocatorReplay allocator:
                Show(console, allocator.Allocator);
                break;
        }
    }

    private static void Show(IAnsiConsole console, BinderReplay replay)
    {
        SvmBinder binder = replay.Binder;
        Dictionary<Ioasid, List<string[]>> rows = [];
        foreach (SvmBindingInfo binding in binder.GetBindings())
        {
            string devices = string.Join(", ", binding.Devices.Select(device =>
                string.Create(CultureInfo.InvariantCulture, $"{device.Device} ({device.Users})")));
            string owner = binding.AddressSpace is { } bound ? Describe(bound) : "supervisor";
            Add(rows, binding.Pasid, owner, binding.Flags.ToString(), devices);
        }

        foreach (AddressSpace addressSpace in replay.AddressSpaces.Where(addressSpace => addressSpace.Pasid.IsValid && !rows.ContainsKey(addressSpace.Pasid)).ToArray())
        {
            Add(rows, addressSpace.Pasid, Describe(addressSpace), "remembered", "none");
        }

        IReadOnlyList<Ioasid> leaked = binder.GetLeakedPasids();
        foreach (Ioasid pasid in leaked)
        {
            Add(rows, pasid, "nobody", "leaked", "none");
        }

        Table table = NewTable("PASID", "Address space", "Flags", "Devices (users)");
        foreach ((Ioasid pasid, List<string[]> lines) in rows.OrderBy(row => row.Key))
        {
            foreach (string[] line in lines)
            {
                table.AddRow([pasid.ToString(), .. line.Select(Markup.Escape)]);
            }
        }

        console.Write(table);
        console.WriteLine(leaked.Count == 0
            ? "Nothing leaked."
            : $"Leaked PASIDs, which this kernel never frees: {string.Join(", ", leaked)}.");
    }

    private static void Show(IAnsiConsole console, IoasidAllocator allocator)
    {
        Table table = NewTable("Id", "Data", "References");
        foreach (Ioasid id in allocator.LiveIds())
        {
            allocator.Lookup(id, out object? data);
            table.AddRow(id.ToString(), Markup.Escape((string?)data ?? "null"), allocator.GetReferenceCount(id).ToString(CultureInfo.InvariantCulture));
        }

        console.Write(table);
        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{allocator.LiveCount} ids are live."));
    }

    private static Table NewTable(params string[] columns)
    {
        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumns(columns);
        return table;
    }

    private static void Add(Dictionary<Ioasid, List<string[]>> rows, Ioasid pasid, params string[] cells)
    {
        if (!rows.TryGetValue(pasid, out List<string[]>? lines))
        {
            rows.Add(pasid, lines = []);
        }

        lines.Add(cells);
    }

    private static string Describe(AddressSpace addressSpace) =>
        addressSpace.HasExited ? $"{addressSpace} (exited)" : addressSpace.Name;
}

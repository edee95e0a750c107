using System.Globalization;
using Pasid.Tool.Replay;

namespace Pasid.Tool.Commands;

/// <summary>Shows the ids that are live at the end of a scenario, and those that nobody will ever free.</summary>
internal static class PasidTable
{
    public static void Show(Screen screen, IReplay replay)
    {
        switch (replay)
        {
            case BinderReplay binder:
                Show(screen, binder);
                break;
            case AllocatorReplay allocator:
                Show(screen, allocator.Allocator);
                break;
        }
    }

    private static void Show(Screen screen, BinderReplay replay)
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

        screen.Table(
            ["PASID", "Address space", "Flags", "Devices (users)"],
            from row in rows orderby row.Key from line in row.Value select (string[])[row.Key.ToString(), .. line]);
        screen.Line(leaked.Count == 0
            ? "Nothing leaked."
            : $"Leaked PASIDs, which this kernel never frees: {string.Join(", ", leaked)}.");
    }

    private static void Show(Screen screen, IoasidAllocator allocator)
    {
        screen.Table(["Id", "Data", "References"], allocator.LiveIds().Select(id => Row(allocator, id)));
        screen.Line(string.Create(CultureInfo.InvariantCulture, $"{allocator.LiveCount} ids are live."));
    }

    private static string[] Row(IoasidAllocator allocator, Ioasid id)
    {
        allocator.Lookup(id, out object? data);
        return [id.ToString(), (string?)data ?? "null", allocator.GetReferenceCount(id).ToString(CultureInfo.InvariantCulture)];
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

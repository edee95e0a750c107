namespace Pasid.Tests.Support;

/// <summary>An IOMMU that keeps the PASID entries that it was told of, and can be made to refuse or to throw.</summary>
internal sealed class FakeIommu(string name) : IIommu
{
    private readonly SortedDictionary<string, string> _entries = new(StringComparer.Ordinal);

    public string Name { get; } = name;

    public bool IsSvmCapable { get; set; } = true;

    public bool SupportsSupervisor { get; set; } = true;

    public PasidStatus EnableStatus { get; set; }

    public PasidStatus SetUpStatus { get; set; }

    /// <summary>Gets or sets what to do inside each call, before it takes effect; gets the name of the member.</summary>
    public Action<string>? Inside { get; set; }

    /// <summary>Gets the entries that are present, as <c>device/pasid=address space</c>.</summary>
    public IEnumerable<string> Entries => _entries.Select(entry => $"{entry.Key}={entry.Value}");

    /// <summary>Gets what an IOMMU must never be asked to do but was: set up a present entry, or clear an absent one.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>Gets the ranges that were invalidated, as <c>device/pasid first..last</c>; those too where it threw.</summary>
    public List<string> Invalidations { get; } = [];

    public void InvalidateRange(SvmDevice device, Ioasid pasid, ulong first, ulong last)
    {
        Invalidations.Add($"{device}/{pasid} 0x{first:X}..0x{last:X}");
        Inside?.Invoke(nameof(InvalidateRange));
    }

    public PasidStatus EnablePasid(SvmDevice device)
    {
        Inside?.Invoke(nameof(EnablePasid));
        return EnableStatus;
    }

    public PasidStatus SetUpPasidEntry(SvmDevice device, Ioasid pasid, AddressSpace? addressSpace)
    {
        Inside?.Invoke(nameof(SetUpPasidEntry));
        if (SetUpStatus == PasidStatus.Success && !_entries.TryAdd($"{device}/{pasid}", addressSpace?.Name ?? "init"))
        {
            Violations.Add($"set up twice: {device}/{pasid}");
        }

        return SetUpStatus;
    }

    public void TearDownPasidEntry(SvmDevice device, Ioasid pasid)
    {
        Inside?.Invoke(nameof(TearDownPasidEntry));
        _entries.Remove($"{device}/{pasid}");
    }

    public void Flush(SvmDevice device, Ioasid pasid)
    {
        Inside?.Invoke(nameof(Flush));
        if (_entries.ContainsKey($"{device}/{pasid}"))
        {
            Violations.Add($"flushed while present: {device}/{pasid}");
        }
    }
}

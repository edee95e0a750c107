namespace Pasid.Internal;

/// <summary>The state of a host as objects, copied inside the gates so that it can be named outside.</summary>
internal sealed class HostState
{
    private readonly List<Binding> _bindings = [];

    public List<IoasidAllocator.LiveId> Ids { get; set; } = [];

    /// <summary>Gets the address spaces, newest first.</summary>
    public List<Space> AddressSpaces { get; } = [];

    public List<Ioasid> Leaked { get; } = [];

    public void Add(SvmRecord record)
    {
        List<SvmDeviceInfo> devices = [];
        for (SvmDeviceRecord? device = record.NewestDevice; device is not null; device = device.Older)
        {
            devices.Add(new SvmDeviceInfo(device.Device, device.Users, device.Callbacks));
        }

        _bindings.Add(new Binding(record, record.Number, record.Pasid, record.FirstDevice, devices));
    }

    /// <summary>Gets the bindings, oldest first.</summary>
    public List<Binding> Bindings()
    {
        _bindings.Sort((left, right) => left.Number.CompareTo(right.Number));
        return _bindings;
    }

    internal readonly record struct Space(AddressSpace AddressSpace, Ioasid Pasid, bool HasExited);

    internal readonly record struct Binding(SvmRecord Record, long Number, Ioasid Pasid, SvmDevice FirstDevice, List<SvmDeviceInfo> Devices);
}

using System.Globalization;
using System.Text;

namespace Pasid.Tests.Support;

/// <summary>A binder over an allocator with two IOMMUs, everything watched, and every step ready to fail.</summary>
internal sealed class Host : ISvmObserver, ISvmFaultInjector, IDisposable
{
    private readonly List<AddressSpace> _addressSpaces = [];

    public Host(KernelProfile? profile = null, int pasidLimit = IoasidRange.PasidLimit, Action<PasidOptions>? configure = null)
    {
        var options = new PasidOptions
        {
            Profile = profile ?? KernelProfile.Default,
            PasidLimit = pasidLimit,
            Observer = this,
            FaultInjector = this,
        };
        configure?.Invoke(options);
        Binder = new SvmBinder(Allocator, options);
        DeviceA = new SvmDevice("devA", Iommu0);
        DeviceB = new SvmDevice("devB", Iommu0);
        DeviceFar = new SvmDevice("devF", Iommu1) { HasAts = true, SourceId = 7 };
    }

    public IoasidAllocator Allocator { get; } = new();

    public SvmBinder Binder { get; }

    public FakeIommu Iommu0 { get; } = new("iommu0");

    public FakeIommu Iommu1 { get; } = new("iommu1");

    public SvmDevice DeviceA { get; }

    public SvmDevice DeviceB { get; }

    /// <summary>Gets a device with ATS behind the other IOMMU.</summary>
    public SvmDevice DeviceFar { get; }

    /// <summary>Gets the steps that were observed since the last <see cref="TakeEvents"/>.</summary>
    public List<string> Events { get; } = [];

    public SvmFaultPoint? Armed { get; set; }

    public PasidStatus ArmedStatus { get; set; } = PasidStatus.OutOfMemory;

    /// <summary>Gets or sets the thread of the test, if it needs one.</summary>
    public SvmThread? Thread { get; set; }

    /// <summary>Gets or sets what to do inside the observer.</summary>
    public Action<SvmEvent>? InsideObserver { get; set; }

    public AddressSpace Process(string name)
    {
        AddressSpace addressSpace = Binder.CreateAddressSpace(name);
        _addressSpaces.Add(addressSpace);
        return addressSpace;
    }

    public SvmDevice Narrow(int maxPasids) => new($"narrow{maxPasids}", Iommu0) { MaxPasids = maxPasids };

    /// <summary>Binds and asserts the PASID.</summary>
    public Ioasid Bind(SvmDevice device, AddressSpace? addressSpace, uint expected, SvmBindFlags flags = SvmBindFlags.None)
    {
        Binder.BindMm(device, addressSpace, flags, null, out Ioasid pasid).Should().Be(PasidStatus.Success);
        pasid.Should().Be(new Ioasid(expected));
        return pasid;
    }

    /// <summary>Binds and asserts that it fails, or reports a success without a PASID.</summary>
    public void BindFails(SvmDevice device, AddressSpace? addressSpace, PasidStatus expected, SvmBindFlags flags = SvmBindFlags.None)
    {
        Binder.BindMm(device, addressSpace, flags, null, out Ioasid pasid).Should().Be(expected);
        pasid.Should().Be(Ioasid.Invalid);
    }

    public void Unbind(SvmDevice device, uint pasid, PasidStatus expected = PasidStatus.Success) =>
        Binder.UnbindMm(device, new Ioasid(pasid)).Should().Be(expected);

    public IEnumerable<uint> Live() => Allocator.LiveIds().Select(id => id.Value);

    public string[] TakeEvents()
    {
        string[] events = [.. Events];
        Events.Clear();
        return events;
    }

    /// <summary>Describes all that can be observed: ids with data, references, bindings, address spaces, PASID entries, losses.</summary>
    public string State()
    {
        var text = new StringBuilder();
        foreach (Ioasid id in Allocator.LiveIds())
        {
            Allocator.Lookup(id, out object? data);
            PasidStatus status = Binder.Lookup(id, out AddressSpace? addressSpace);
            text.AppendLine(CultureInfo.InvariantCulture, $"id {id} data={(data is null ? "null" : "some")} references={Allocator.GetReferenceCount(id)} lookup={status} {addressSpace}");
        }

        foreach (SvmBindingInfo binding in Binder.GetBindings())
        {
            string devices = string.Join(' ', binding.Devices.Select(device => $"{device.Device}:{device.Users}:{device.Callbacks?.Name}"));
            text.AppendLine(CultureInfo.InvariantCulture, $"binding {binding.Pasid} {binding.AddressSpace} {binding.Flags} {devices}");
        }

        foreach (AddressSpace addressSpace in _addressSpaces)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"mm {addressSpace} pasid={addressSpace.Pasid} exited={addressSpace.HasExited} destroyed={addressSpace.IsDestroyed}");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"leaked {string.Join(' ', Binder.GetLeakedPasids())}");
        text.AppendLine(CultureInfo.InvariantCulture, $"iommu0 {string.Join(' ', Iommu0.Entries)} {string.Join(' ', Iommu0.Violations)}");
        text.AppendLine(CultureInfo.InvariantCulture, $"iommu1 {string.Join(' ', Iommu1.Entries)} {string.Join(' ', Iommu1.Violations)}");
        return text.ToString();
    }

    public void OnEvent(in SvmEvent svmEvent)
    {
        Events.Add(svmEvent.ToString());
        InsideObserver?.Invoke(svmEvent);
    }

    public PasidStatus Inject(SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace) =>
        point == Armed ? ArmedStatus : PasidStatus.Success;

    /// <summary>Gets or sets a value indicating whether the test broke the host on purpose.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>Asserts that nothing is wrong that no quirk explains.</summary>
    public void ShouldBeWhole() =>
        Binder.CheckIntegrity().Where(finding => finding.Quirk == KernelQuirks.None).Should().BeEmpty();

    /// <summary>Disposes the binder; the host is whole before and after, unless the test broke it.</summary>
    public void Dispose()
    {
        if (!IsDamaged)
        {
            ShouldBeWhole();
        }

        Binder.Dispose();
        if (!IsDamaged)
        {
            ShouldBeWhole();
        }
    }
}

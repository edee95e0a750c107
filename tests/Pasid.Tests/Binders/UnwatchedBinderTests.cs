using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Without observer, fault injection and log the binder goes shorter ways, which lead to the same ends.</summary>
public sealed class UnwatchedBinderTests : IDisposable
{
    private readonly FakeIommu _iommu = new("iommu");
    private readonly SvmDevice _device;
    private readonly SvmBinder _binder = new();

    public UnwatchedBinderTests() => _device = new SvmDevice("device", _iommu);

    public void Dispose() => _binder.Dispose();

    [Fact]
    public void The_entry_of_an_unbound_device_is_torn_down_and_flushed()
    {
        var calls = new List<string>();
        _iommu.Inside = calls.Add;

        _binder.Bind(_device, _binder.CreateAddressSpace("process")).Dispose();

        _iommu.Entries.Should().BeEmpty();
        _iommu.Violations.Should().BeEmpty();
        calls.Should().Equal(nameof(IIommu.EnablePasid), nameof(IIommu.SetUpPasidEntry), nameof(IIommu.TearDownPasidEntry), nameof(IIommu.Flush));
    }

    [Fact]
    public void What_fails_is_counted()
    {
        _iommu.EnableStatus = PasidStatus.NotSupported;
        _binder.EnablePasid(_device).Should().Be(PasidStatus.NotSupported);
        _binder.Invoking(b => b.Bind(_device, b.CreateAddressSpace("process"))).Should().Throw<PasidException>();

        _binder.GetStatistics().Failures.Should().ContainKey(PasidStatus.NotSupported).WhoseValue.Should().Be(2);
    }

    [Fact]
    public void The_data_of_a_remembered_pasid_is_cleared_in_any_allocator()
    {
        var allocator = new NaiveIoasidAllocator();
        using var binder = new SvmBinder(allocator);
        AddressSpace process = binder.CreateAddressSpace("process");
        using (binder.Bind(_device, process))
        {
            allocator.Lookup(process.Pasid, out object? bound);
            bound.Should().NotBeNull();
        }

        allocator.Lookup(process.Pasid, out object? data).Should().Be(PasidStatus.Success, "the address space keeps it");
        data.Should().BeNull();
    }
}

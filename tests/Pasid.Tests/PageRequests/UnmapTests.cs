using Pasid.Tests.Support;

namespace Pasid.Tests.PageRequests;

/// <summary>What is unmapped is invalidated at each bound device.</summary>
public sealed class UnmapTests : IDisposable
{
    private readonly Host _host = new();
    private readonly AddressSpace _process;
    private readonly AddressRegionMap _map = new();

    public UnmapTests()
    {
        _process = _host.Process("P");
        _process.FaultHandler = _map;
        _map.Add(new AddressRegion(0x1000, 0x2000, PageRequestRights.Read));
    }

    public void Dispose() => _host.Dispose();

    [Fact]
    public void Remove_of_a_region_invalidates_its_addresses_at_each_bound_device()
    {
        _host.Bind(_host.DeviceA, _process, 1);
        _host.Bind(_host.DeviceFar, _process, 1);
        _host.Bind(_host.DeviceB, _process, 2, SvmBindFlags.Private);
        _host.Bind(_host.DeviceA, _host.Process("other"), 3);
        _host.TakeEvents();

        _map.Remove(0x2FFF).Should().BeTrue();
        _map.Remove(0x2FFF).Should().BeFalse();

        _host.TakeEvents().Should().Equal("invalidate devB pasid=2 0x1000..0x2FFF", "invalidate devF pasid=1 0x1000..0x2FFF", "invalidate devA pasid=1 0x1000..0x2FFF");
        _host.Iommu0.Invalidations.Should().Equal("devB/2 0x1000..0x2FFF", "devA/1 0x1000..0x2FFF");
        _host.Iommu1.Invalidations.Should().Equal("devF/1 0x1000..0x2FFF");
    }

    [Fact]
    public void Remove_tells_the_address_spaces_whose_fault_handler_the_map_is_and_no_others()
    {
        AddressSpace other = _host.Process("Q");
        other.FaultHandler = _map;
        other.FaultHandler = _map;
        AddressSpace former = _host.Process("R");
        former.FaultHandler = _map;
        former.FaultHandler = null;
        _host.Bind(_host.DeviceA, _process, 1);
        _host.Bind(_host.DeviceA, other, 2);
        _host.Bind(_host.DeviceA, former, 3);

        _map.Remove(0x1000);

        _host.Iommu0.Invalidations.Should().BeEquivalentTo("devA/1 0x1000..0x2FFF", "devA/2 0x1000..0x2FFF");
    }

    [Fact]
    public void Invalidations_go_to_the_IOMMU_of_the_first_device_under_the_quirk()
    {
        using var host = new Host(KernelProfile.Linux56);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceFar, process, 1);

        process.NotifyUnmapped(0x5000, 0x5FFF);

        host.Iommu0.Invalidations.Should().Equal("devF/1 0x5000..0x5FFF", "devA/1 0x5000..0x5FFF");
        host.Iommu1.Invalidations.Should().BeEmpty();
    }

    [Fact]
    public void An_address_space_that_has_exited_has_nothing_invalidated()
    {
        _host.Bind(_host.DeviceA, _process, 1);
        _process.Exit();
        _host.TakeEvents();

        _map.Remove(0x1000).Should().BeTrue();

        _host.TakeEvents().Should().BeEmpty();
        _host.Iommu0.Invalidations.Should().BeEmpty();
    }

    [Fact]
    public void What_an_IOMMU_throws_is_passed_on_once_all_are_told()
    {
        AddressSpace other = _host.Process("Q");
        other.FaultHandler = _map;
        _host.Bind(_host.DeviceA, _process, 1);
        _host.Bind(_host.DeviceB, _process, 1);
        _host.Bind(_host.DeviceA, other, 2);
        _host.Iommu0.Inside = member => throw new TimeoutException(member);

        _map.Invoking(map => map.Remove(0x1000)).Should().Throw<TimeoutException>().WithMessage(nameof(IIommu.InvalidateRange));

        _host.Iommu0.Invalidations.Should().HaveCount(3);
        _map.Regions.Should().BeEmpty();
        _host.Iommu0.Inside = null;
    }

    [Fact]
    public void Remove_from_inside_a_callback_is_refused_and_removes_nothing()
    {
        _host.Iommu0.Inside = _ => _map.Remove(0x1000);

        _host.Binder.Invoking(binder => binder.BindMm(_host.DeviceA, _process, out _)).Should().Throw<InvalidOperationException>();

        _map.Regions.Should().HaveCount(1);
        _host.Iommu0.Inside = null;
    }

    [Fact]
    public void A_fault_handler_may_unmap_and_let_its_process_exit()
    {
        using var requests = new HostRequests(_host);
        (bool HasExited, int Entries) inside = default;
        AddressRegionMap map = null!;
        map = new AddressRegionMap
        {
            PageFaultHandler = (process, page, _) =>
            {
                map.Remove(page);
                process.Exit();
                inside = (process.HasExited, _host.Iommu0.Entries.Count());
                return FaultOutcome.Failed;
            },
        };
        map.Add(new AddressRegion(0x1000, 0x1000, PageRequestRights.Read));
        _process.FaultHandler = map;
        _host.Bind(_host.DeviceA, _process, 1);
        requests.Queue.TryEnqueue(new PageRequest { Device = _host.DeviceA, Pasid = new Ioasid(1), Address = 0x1000, IsLastInGroup = true });

        requests.Queue.Process();

        inside.Should().Be((false, 1), "the answer is a user");
        _process.HasExited.Should().BeTrue();
        _host.Iommu0.Entries.Should().BeEmpty();
        _host.Iommu0.Invalidations.Should().Equal("devA/1 0x1000..0x1FFF");
    }

    [Fact]
    public void NotifyUnmapped_refuses_a_range_that_ends_before_it_begins()
    {
        _process.Invoking(p => p.NotifyUnmapped(0x2000, 0x1FFF)).Should().Throw<ArgumentException>().WithMessage("The range 0x2000..0x1FFF ends before it begins*").WithParameterName("last");
        _process.NotifyUnmapped(0, ulong.MaxValue);
    }

    [Fact]
    public void An_IOMMU_that_knows_nothing_of_ranges_need_not()
    {
        var device = new SvmDevice("plain", new Iommu("plain"));
        _host.Bind(device, _process, 1);
        _host.TakeEvents();

        _map.Remove(0x1000).Should().BeTrue();

        _host.TakeEvents().Should().Equal("invalidate plain pasid=1 0x1000..0x2FFF");
    }
}

using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

public sealed class SvmEventTests
{
    [Fact]
    public void Events_carry_their_objects()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        List<SvmEvent> events = [];
        host.InsideObserver = events.Add;

        host.Bind(host.DeviceA, process, 1);
        host.Unbind(host.DeviceA, 1);
        process.Exit();

        events.Select(e => e.Kind).Should().Equal(
            SvmEventKind.PasidEnabled,
            SvmEventKind.Allocated,
            SvmEventKind.NotifierRegistered,
            SvmEventKind.EntrySetUp,
            SvmEventKind.EntryTornDown,
            SvmEventKind.PasidCacheInvalidated,
            SvmEventKind.IotlbInvalidated,
            SvmEventKind.DataCleared,
            SvmEventKind.NotifierUnregistered,
            SvmEventKind.AddressSpaceDestroyed,
            SvmEventKind.Freed);
        events[1].Range.Should().Be(IoasidRange.Pasids);
        events[3].Device.Should().BeSameAs(host.DeviceA);
        events[3].Iommu.Should().BeSameAs(host.Iommu0);
        events[3].AddressSpace.Should().BeSameAs(process);
        events[3].Status.Should().Be(PasidStatus.Success);
        events[10].Pasid.Should().Be(new Ioasid(1));
    }

    [Fact]
    public void Default_event_tells_of_nothing()
    {
        default(SvmEvent).Kind.Should().Be(SvmEventKind.None);
        default(SvmEvent).ToString().Should().BeEmpty();
    }

    [Fact]
    public void GetBindings_is_a_picture_that_later_calls_do_not_change()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        IReadOnlyList<SvmBindingInfo> picture = host.Binder.GetBindings();

        host.Bind(host.DeviceB, process, 1);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);

        picture.Should().ContainSingle().Which.Devices.Should().ContainSingle();
    }
}

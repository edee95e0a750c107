using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Bind: the order of its checks, what it shares and what it counts.</summary>
public sealed class BindTests
{
    [Fact]
    public void BindMm_of_a_device_without_iommu_answers_invalid_argument()
    {
        using var host = new Host();

        host.BindFails(new SvmDevice("alone", iommu: null), host.Process("P"), PasidStatus.InvalidArgument);

        host.Events.Should().BeEmpty();
    }

    [Fact]
    public void BindMm_with_dma_remapping_off_answers_invalid_argument_before_it_looks_at_the_iommu()
    {
        using var host = new Host(configure: options => options.IsDmarDisabled = true);
        host.Iommu0.IsSvmCapable = false;

        host.BindFails(host.DeviceA, host.Process("P"), PasidStatus.InvalidArgument);
    }

    [Fact]
    public void BindMm_behind_an_iommu_without_svm_answers_not_supported_before_it_asks_for_the_width()
    {
        using var host = new Host();
        host.Iommu0.IsSvmCapable = false;

        host.BindFails(host.Narrow(-22), host.Process("P"), PasidStatus.NotSupported);
    }

    [Fact]
    public void BindMm_of_a_pci_device_of_unknown_width_answers_invalid_argument()
    {
        using var host = new Host();

        host.BindFails(host.Narrow(-22), host.Process("P"), PasidStatus.InvalidArgument);
    }

    [Fact]
    public void BindMm_of_a_device_that_is_not_pci_takes_any_pasid_whatever_its_width_says()
    {
        using var host = new Host();
        var device = new SvmDevice("platform", host.Iommu0) { IsPci = false, MaxPasids = -22 };

        host.Bind(device, host.Process("P"), 1);

        host.Events.Should().Contain("ioasid_alloc 1..1048575 -> 1");
    }

    [Theory]
    [InlineData(SvmBindFlags.Supervisor)]
    [InlineData(SvmBindFlags.Supervisor | SvmBindFlags.Private)]
    public void BindMm_of_the_supervisor_without_support_answers_invalid_argument(SvmBindFlags flags)
    {
        using var host = new Host();
        host.Iommu0.SupportsSupervisor = false;

        host.BindFails(host.DeviceA, null, PasidStatus.InvalidArgument, flags);
        host.Binder.EnablePasid(host.DeviceA, flags).Should().Be(PasidStatus.InvalidArgument);

        host.Events.Should().BeEmpty();
    }

    [Fact]
    public void BindMm_first_takes_its_steps_in_the_kernels_order()
    {
        using var host = new Host();

        host.Bind(host.DeviceA, host.Process("P"), 1);

        host.Events.Should().Equal(
            "enable_pasid iommu0 devA",
            "ioasid_alloc 1..1048575 -> 1",
            "notifier_register P",
            "setup iommu0 devA pasid=1 mm=P super=0");
    }

    [Fact]
    public void BindMm_of_further_devices_shares_the_pasid_behind_their_own_iommus()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.TakeEvents();

        host.Bind(host.DeviceFar, process, 1);

        host.TakeEvents().Should().Equal("enable_pasid iommu1 devF", "setup iommu1 devF pasid=1 mm=P super=0");
        host.Iommu0.Entries.Should().Equal("devA/1=P");
        host.Iommu1.Entries.Should().Equal("devF/1=P");
        host.Binder.GetBindings().Should().ContainSingle()
            .Which.Devices.Select(device => device.Device).Should().Equal(host.DeviceFar, host.DeviceA);
        host.Live().Should().Equal(1u);
    }

    [Fact]
    public void BindMm_of_a_bound_device_counts_a_user_and_takes_no_step()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.TakeEvents();

        host.Bind(host.DeviceA, process, 1);

        host.Events.Should().BeEmpty();
        host.Binder.GetBindings()[0].Devices.Should().Equal(new SvmDeviceInfo(host.DeviceA, 2, null));
    }

    [Fact]
    public void BindMm_of_a_bound_device_reaches_no_step_that_could_fail()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);

        foreach (SvmFaultPoint point in Enum.GetValues<SvmFaultPoint>())
        {
            host.Armed = point;
            host.Bind(host.DeviceA, process, 1);
        }
    }

    [Fact]
    public void BindMm_with_other_callbacks_answers_busy_and_with_the_same_ones_counts()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        var callbacks = new Callbacks("one");
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, callbacks, out _);

        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, new Callbacks("one"), out Ioasid other).Should().Be(PasidStatus.Busy);
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, null, out _).Should().Be(PasidStatus.Busy);
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, callbacks, out Ioasid same).Should().Be(PasidStatus.Success);

        other.Should().Be(Ioasid.Invalid);
        same.Should().Be(new Ioasid(1));
        host.Binder.GetBindings()[0].Devices.Should().Equal(new SvmDeviceInfo(host.DeviceA, 2, callbacks));
    }

    [Fact]
    public void BindMm_with_other_callbacks_on_another_device_or_private_pasid_is_no_conflict()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, new Callbacks("one"), out _);

        host.Binder.BindMm(host.DeviceB, process, SvmBindFlags.None, new Callbacks("two"), out _).Should().Be(PasidStatus.Success);
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.Private, new Callbacks("three"), out _).Should().Be(PasidStatus.Success);
    }

    [Fact]
    public void BindMm_private_gives_each_bind_a_pasid_of_its_own()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");

        host.Bind(host.DeviceA, process, 1, SvmBindFlags.Private);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);
        host.Bind(host.DeviceA, process, 3);
        host.Bind(host.DeviceB, process, 3);

        process.Pasid.Should().Be(new Ioasid(3), "only the shared PASID is remembered");
    }

    [Fact]
    public void BindMm_supervisor_shares_one_pasid_over_all_processes()
    {
        using var host = new Host();

        host.Bind(host.DeviceA, host.Process("P"), 1, SvmBindFlags.Supervisor);
        host.Bind(host.DeviceB, host.Process("Q"), 1, SvmBindFlags.Supervisor);
        host.Bind(host.DeviceB, null, 1, SvmBindFlags.Supervisor);

        host.TakeEvents().Should().Equal(
            "enable_pasid iommu0 devA",
            "ioasid_alloc 1..1048575 -> 1",
            "setup iommu0 devA pasid=1 mm=init super=1",
            "enable_pasid iommu0 devB",
            "setup iommu0 devB pasid=1 mm=init super=1");
    }

    [Fact]
    public void BindMm_supervisor_and_private_gives_a_pasid_of_its_own_that_is_not_joined()
    {
        using var host = new Host();

        host.Bind(host.DeviceA, null, 1, SvmBindFlags.Supervisor | SvmBindFlags.Private);
        host.Bind(host.DeviceA, null, 2, SvmBindFlags.Supervisor);
        host.Bind(host.DeviceA, null, 3, SvmBindFlags.Supervisor | SvmBindFlags.Private);
    }

    [Fact]
    public void BindMm_of_a_device_too_narrow_for_the_pasid_in_use_answers_no_space_before_any_step()
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("P"), 1);
        AddressSpace process = host.Process("Q");
        host.Bind(host.DeviceA, process, 2);
        host.TakeEvents();

        host.BindFails(host.Narrow(2), process, PasidStatus.NoSpace);
        host.Bind(host.Narrow(3), process, 2);

        host.TakeEvents().Should().Equal("enable_pasid iommu0 narrow3", "setup iommu0 narrow3 pasid=2 mm=Q super=0");
    }

    [Fact]
    public void BindMm_joins_by_the_width_of_the_device_alone_and_allocates_within_that_of_the_system_too()
    {
        using var host = new Host(pasidLimit: 3);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        host.Bind(host.DeviceA, host.Process("Q"), 2);

        host.BindFails(host.DeviceA, host.Process("R"), PasidStatus.NoSpace);

        host.Events.Should().EndWith(["enable_pasid iommu0 devA", "ioasid_alloc 1..2 -> 4294967295"]);
    }

    [Fact]
    public void BindMm_within_a_width_of_one_finds_the_range_empty()
    {
        using var host = new Host();

        host.BindFails(host.Narrow(1), host.Process("P"), PasidStatus.NoSpace);

        host.Events.Should().Equal("enable_pasid iommu0 narrow1", "ioasid_alloc 1..0 -> 4294967295");
    }

    [Fact]
    public void BindMm_passes_on_why_the_iommu_does_not_enable_the_device()
    {
        using var host = new Host();
        host.Iommu0.EnableStatus = PasidStatus.Busy;

        host.BindFails(host.DeviceA, host.Process("P"), PasidStatus.Busy);

        host.Events.Should().Equal("enable_pasid iommu0 devA = -16");
    }

    [Fact]
    public void BindMm_of_an_exited_address_space_answers_invalid_argument_and_of_the_supervisor_goes_on()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        process.Exit();
        host.TakeEvents();

        host.BindFails(host.DeviceA, process, PasidStatus.InvalidArgument);
        host.BindFails(host.DeviceA, process, PasidStatus.InvalidArgument, SvmBindFlags.Private);
        host.Events.Should().BeEmpty();

        host.Bind(host.DeviceA, process, 1, SvmBindFlags.Supervisor);
    }

    [Fact]
    public void EnablePasid_enables_and_binds_nothing()
    {
        using var host = new Host();

        host.Binder.EnablePasid(host.DeviceA).Should().Be(PasidStatus.Success);

        host.Events.Should().Equal("enable_pasid iommu0 devA");
        host.Binder.GetBindings().Should().BeEmpty();
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void EnablePasid_fails_where_a_bind_would()
    {
        using var host = new Host();

        host.Binder.EnablePasid(new SvmDevice("alone", null)).Should().Be(PasidStatus.InvalidArgument);
        host.Binder.EnablePasid(host.Narrow(-1)).Should().Be(PasidStatus.InvalidArgument);
        host.Armed = SvmFaultPoint.DeviceRecord;
        host.Binder.EnablePasid(host.DeviceA).Should().Be(PasidStatus.OutOfMemory);
        host.Armed = null;
        host.Events.Should().BeEmpty();
        host.Iommu0.EnableStatus = PasidStatus.InvalidArgument;
        host.Binder.EnablePasid(host.DeviceA).Should().Be(PasidStatus.InvalidArgument);
        host.Events.Should().Equal("enable_pasid iommu0 devA = -22");
    }

    [Fact]
    public void EnablePasid_of_a_device_without_pasids_succeeds_because_none_is_wanted()
    {
        using var host = new Host();

        host.Binder.EnablePasid(new SvmDevice("old", host.Iommu0) { SupportsPasid = false }).Should().Be(PasidStatus.Success);
    }

    [Fact]
    public void Bind_of_a_pasid_that_was_freed_behind_the_binders_back_answers_not_found()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Unbind(host.DeviceA, 1);
        host.Allocator.Free(new Ioasid(1));

        host.BindFails(host.DeviceA, process, PasidStatus.NotFound);

        host.Binder.GetBindings().Should().BeEmpty();
        host.Live().Should().BeEmpty();
        host.Binder.CheckIntegrity().Should().ContainSingle().Which.Invariant.Should().Be(IntegrityInvariant.HeldIdsAreLive);
        host.IsDamaged = true;
    }
}

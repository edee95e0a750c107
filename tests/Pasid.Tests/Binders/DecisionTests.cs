using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>The decisions about the seed patch, by their numbers.</summary>
public sealed class DecisionTests
{
    private static readonly Ioasid s_one = new(1);

    [Fact]
    public void D1_the_first_process_gets_one_and_the_next_two()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");

        host.Bind(host.DeviceA, p, 1);
        host.Bind(host.DeviceA, host.Process("Q"), 2);

        p.Pasid.Should().Be(s_one);
    }

    [Fact]
    public void D2_two_devices_of_a_process_hold_one_id()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");

        host.Bind(host.DeviceA, p, 1);
        host.Bind(host.DeviceB, p, 1);

        host.Live().Should().Equal(1u);
    }

    [Fact]
    public void D3_a_repeated_bind_is_counted_and_other_callbacks_are_busy()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);
        host.Bind(host.DeviceA, p, 1);

        host.Unbind(host.DeviceA, 1);
        host.Iommu0.Entries.Should().Equal("devA/1=P");
        host.Binder.BindMm(host.DeviceA, p, SvmBindFlags.None, new Callbacks("other"), out _).Should().Be(PasidStatus.Busy);

        host.Unbind(host.DeviceA, 1);
        host.Iommu0.Entries.Should().BeEmpty();
    }

    [Fact]
    public void D4_after_the_unbind_the_id_stays_with_the_process_without_data()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);

        host.Unbind(host.DeviceA, 1);

        host.Allocator.Lookup(s_one, out object? data).Should().Be(PasidStatus.Success);
        data.Should().BeNull();
        host.Bind(host.DeviceA, host.Process("Q"), 2);
        host.Bind(host.DeviceB, p, 1);
    }

    [Fact]
    public void D5_a_second_unbind_is_invalid_until_the_process_is_gone_and_unknown_then()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);
        host.Unbind(host.DeviceA, 1);

        host.Unbind(host.DeviceA, 1, PasidStatus.InvalidArgument);
        p.Exit();
        host.Unbind(host.DeviceA, 1, PasidStatus.NotFound);
    }

    [Fact]
    public void D5_under_linux56_a_second_unbind_is_unknown_at_once()
    {
        using var host = new Host(KernelProfile.Linux56);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        host.Unbind(host.DeviceA, 1);

        host.Unbind(host.DeviceA, 1, PasidStatus.NotFound);
    }

    [Fact]
    public void D6_exit_while_bound_clears_the_entries_and_frees_with_the_last_unbind()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);

        p.Exit();
        host.Iommu0.Entries.Should().BeEmpty();
        host.Live().Should().Equal(1u);
        host.Binder.IsPasidValid(host.DeviceA, s_one, out bool isValid).Should().Be(PasidStatus.Success);
        isValid.Should().BeFalse("a request with this PASID finds nobody to serve it");

        host.Unbind(host.DeviceA, 1);
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void D7_on_a_cpu_without_enqcmd_the_id_of_a_destroyed_process_stays_allocated()
    {
        using var host = new Host(KernelProfile.Seed, configure: options => options.CpuHasEnqcmd = false);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);
        host.Unbind(host.DeviceA, 1);

        p.Exit();

        p.IsDestroyed.Should().BeTrue();
        host.Live().Should().Equal(1u);
        host.Binder.GetLeakedPasids().Should().Equal(s_one);
    }

    [Fact]
    public void D8_with_all_ids_taken_the_first_bind_reports_success_and_binds_nothing()
    {
        using var host = new Host(KernelProfile.Seed, pasidLimit: 2);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        AddressSpace q = host.Process("Q");
        string before = host.State();

        host.BindFails(host.DeviceA, q, PasidStatus.Success);

        host.State().Should().Be(before);
        q.Pasid.Should().Be(Ioasid.Invalid);
    }

    [Fact]
    public void D8_mended_exhaustion_is_no_space()
    {
        using var host = new Host(pasidLimit: 2);
        host.Bind(host.DeviceA, host.Process("P"), 1);

        host.BindFails(host.DeviceA, host.Process("Q"), PasidStatus.NoSpace);
    }

    [Fact]
    public void D9_private_pasids_are_not_remembered_and_stay_allocated_for_ever()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1, SvmBindFlags.Private);
        host.Bind(host.DeviceA, p, 2, SvmBindFlags.Private);
        p.Pasid.Should().Be(Ioasid.Invalid);

        host.Unbind(host.DeviceA, 1);
        host.Unbind(host.DeviceA, 2);
        p.Exit();

        host.Live().Should().Equal(1u, 2u);
        host.Binder.GetLeakedPasids().Should().Equal(new Ioasid(1), new Ioasid(2));
    }

    [Fact]
    public void D10_supervisor_binds_of_all_processes_share_an_id_that_stays_allocated()
    {
        using var host = new Host(KernelProfile.Seed);
        host.Bind(host.DeviceA, host.Process("P"), 1, SvmBindFlags.Supervisor);
        host.Bind(host.DeviceB, host.Process("Q"), 1, SvmBindFlags.Supervisor);

        host.Unbind(host.DeviceA, 1);
        host.Unbind(host.DeviceB, 1);

        host.Live().Should().Equal(1u);
        host.Bind(host.DeviceA, null, 2, SvmBindFlags.Supervisor);
    }

    [Fact]
    public void D10_under_linux56_the_supervisors_id_is_freed_with_the_last_unbind()
    {
        using var host = new Host(KernelProfile.Linux56);
        host.Bind(host.DeviceA, null, 1, SvmBindFlags.Supervisor);

        host.Unbind(host.DeviceA, 1);

        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void D11_a_forked_child_takes_the_number_and_frees_it_while_the_parent_is_bound()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);

        AddressSpace c = p.Fork("C");
        c.Pasid.Should().Be(s_one);
        host.Binder.GetBindings().Should().ContainSingle().Which.AddressSpace.Should().BeSameAs(p);

        c.Exit();
        host.Live().Should().BeEmpty();
        host.Iommu0.Entries.Should().Equal("devA/1=P");
        host.Bind(host.DeviceB, host.Process("N"), 1);
    }

    [Fact]
    public void D11_mended_a_forked_child_has_no_pasid_and_frees_none()
    {
        using var host = new Host();
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);

        AddressSpace c = p.Fork("C");
        c.Pasid.Should().Be(Ioasid.Invalid);
        c.Exit();

        host.Live().Should().Equal(1u);
        host.Bind(host.DeviceB, host.Process("N"), 2);
    }

    [Theory]
    [InlineData(SvmFaultPoint.NotifierRegistration, PasidStatus.OutOfMemory)]
    [InlineData(SvmFaultPoint.PasidEntrySetup, PasidStatus.InvalidArgument)]
    public void D12_a_failed_first_bind_frees_and_a_failed_rebind_keeps_the_id(SvmFaultPoint point, PasidStatus status)
    {
        using var host = new Host(KernelProfile.Seed) { ArmedStatus = status };
        AddressSpace p = host.Process("P");
        host.Armed = point;

        host.BindFails(host.DeviceA, p, status);
        host.Live().Should().BeEmpty();
        p.Pasid.Should().Be(Ioasid.Invalid);

        host.Armed = null;
        host.Bind(host.DeviceA, p, 1);
        host.Unbind(host.DeviceA, 1);
        host.Armed = point;
        host.BindFails(host.DeviceA, p, status);

        host.Live().Should().Equal(1u);
        p.Pasid.Should().Be(s_one);
        host.Allocator.Lookup(s_one, out object? data);
        data.Should().NotBeNull("the seed leaves the pointer to the binding that was given up");
        host.Unbind(host.DeviceA, 1, PasidStatus.InvalidArgument);
        host.Armed = null;
        host.Bind(host.DeviceA, p, 1);
    }

    [Fact]
    public void D13_a_pasid_too_wide_is_refused_while_bound_and_taken_after_all_unbinds()
    {
        using var host = new Host(KernelProfile.Seed);
        for (uint pasid = 1; pasid <= 8; pasid++)
        {
            host.Bind(host.DeviceA, host.Process($"other {pasid}"), pasid);
        }

        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 9);
        host.BindFails(host.Narrow(4), p, PasidStatus.NoSpace);

        host.Unbind(host.DeviceA, 9);
        host.Bind(host.Narrow(4), p, 9);
    }

    [Fact]
    public void D13_mended_a_pasid_too_wide_is_refused_always()
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("other"), 1);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 2);
        host.BindFails(host.Narrow(2), p, PasidStatus.NoSpace);
        host.Unbind(host.DeviceA, 2);
        host.TakeEvents();

        host.BindFails(host.Narrow(2), p, PasidStatus.NoSpace);

        host.Events.Should().BeEmpty();
    }

    [Fact]
    public void D14_the_last_unbind_clears_flushes_clears_the_data_and_unregisters()
    {
        using var host = new Host(KernelProfile.Seed);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        host.TakeEvents();

        host.Unbind(host.DeviceA, 1);

        host.TakeEvents().Should().Equal(
            "tear_down iommu0 devA pasid=1",
            "flush devA pasid=1",
            "iommu0 iotlb pasid=1 did=1",
            "ioasid_set_data 1 null",
            "notifier_unregister P");
    }

    [Fact]
    public void D15_exec_begins_without_pasid_and_the_old_id_goes_with_the_old_address_space()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace p = host.Process("P");
        host.Bind(host.DeviceA, p, 1);

        AddressSpace next = p.Exec("P2");
        next.Pasid.Should().Be(Ioasid.Invalid);
        host.Live().Should().Equal(1u);

        host.Unbind(host.DeviceA, 1);
        host.Live().Should().BeEmpty();
    }
}

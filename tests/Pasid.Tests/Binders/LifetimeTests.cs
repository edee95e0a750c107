using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Exit and destruction of address spaces, and the end of the binder.</summary>
public sealed class LifetimeTests
{
    [Fact]
    public void Exit_without_bindings_destroys_at_once()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");

        process.Exit();

        process.HasExited.Should().BeTrue();
        process.IsDestroyed.Should().BeTrue();
        host.TakeEvents().Should().Equal("mm_destroy P");
    }

    [Fact]
    public void Exit_after_the_last_unbind_frees_the_remembered_pasid()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Unbind(host.DeviceA, 1);
        host.TakeEvents();

        process.Exit();

        host.TakeEvents().Should().Equal("mm_destroy P", "ioasid_free 1");
        process.Pasid.Should().Be(Ioasid.Invalid);
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Exit_while_bound_tears_down_and_flushes_newest_first_and_keeps_the_bindings()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);
        host.Bind(host.DeviceFar, process, 1);
        host.TakeEvents();

        process.Exit();

        host.TakeEvents().Should().Equal(
            "tear_down iommu0 devA pasid=2 fault_ignore",
            "iommu0 pasid_cache pasid=2 did=1",
            "iommu0 iotlb pasid=2 did=1",
            "tear_down iommu1 devF pasid=1 fault_ignore",
            "iommu1 pasid_cache pasid=1 did=1",
            "iommu1 iotlb pasid=1 did=1",
            "iommu1 dev_iotlb pasid=1 sid=7 qdep=0",
            "tear_down iommu0 devA pasid=1 fault_ignore",
            "iommu0 pasid_cache pasid=1 did=1",
            "iommu0 iotlb pasid=1 did=1");
        process.IsDestroyed.Should().BeFalse();
        host.Binder.GetBindings().Should().HaveCount(2);
        host.Live().Should().Equal(1u, 2u);
        host.Iommu0.Entries.Should().BeEmpty();
        host.Iommu1.Entries.Should().BeEmpty();
    }

    [Fact]
    public void The_last_unbind_after_exit_repeats_tear_down_destroys_and_frees()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);
        process.Exit();
        host.TakeEvents();

        host.Unbind(host.DeviceA, 1);
        host.TakeEvents().Should().Equal(
            "tear_down iommu0 devA pasid=1",
            "iommu0 pasid_cache pasid=1 did=1",
            "iommu0 iotlb pasid=1 did=1",
            "ioasid_set_data 1 null",
            "notifier_unregister P");
        process.IsDestroyed.Should().BeFalse("the private binding still pins it");

        host.Unbind(host.DeviceA, 2);
        host.TakeEvents().Should().Equal(
            "tear_down iommu0 devA pasid=2",
            "iommu0 pasid_cache pasid=2 did=1",
            "iommu0 iotlb pasid=2 did=1",
            "ioasid_free 2",
            "notifier_unregister P",
            "mm_destroy P",
            "ioasid_free 1");
        process.IsDestroyed.Should().BeTrue();
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Exit_twice_does_nothing_the_second_time_and_dispose_is_exit()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.Dispose();
        host.TakeEvents();

        process.Exit();
        process.Dispose();

        host.Events.Should().BeEmpty();
    }

    [Fact]
    public void Exit_of_one_process_leaves_the_others_and_the_supervisor_alone()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        AddressSpace other = host.Process("Q");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, other, 2);
        host.Bind(host.DeviceA, null, 3, SvmBindFlags.Supervisor);

        process.Exit();
        host.Unbind(host.DeviceA, 1);

        host.Iommu0.Entries.Should().Equal("devA/2=Q", "devA/3=init");
        host.Live().Should().Equal(2u, 3u);
    }

    [Fact]
    public void Registrations_are_told_newest_first_after_some_in_between_have_gone()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        for (uint pasid = 1; pasid <= 5; pasid++)
        {
            host.Bind(host.DeviceA, process, pasid, SvmBindFlags.Private);
        }

        host.Unbind(host.DeviceA, 3);
        host.Unbind(host.DeviceA, 5);
        host.Unbind(host.DeviceA, 1);
        host.TakeEvents();

        process.Exit();

        host.TakeEvents().Where(e => e.StartsWith("tear_down", StringComparison.Ordinal))
            .Should().Equal("tear_down iommu0 devA pasid=4 fault_ignore", "tear_down iommu0 devA pasid=2 fault_ignore");
        host.Binder.GetBindings().Select(binding => binding.Pasid.Value).Should().Equal(2u, 4u);
    }

    [Fact]
    public void Linux56_frees_at_the_last_unbind_and_remembers_nothing()
    {
        using var host = new Host(KernelProfile.Linux56);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.Pasid.Should().Be(Ioasid.Invalid);
        host.Bind(host.DeviceA, host.Process("Q"), 2);
        host.TakeEvents();

        host.Unbind(host.DeviceA, 1);

        host.TakeEvents().Should().Equal(
            "tear_down iommu0 devA pasid=1",
            "flush devA pasid=1",
            "iommu0 iotlb pasid=1 did=1",
            "ioasid_free 1",
            "notifier_unregister P");
        host.Unbind(host.DeviceA, 1, PasidStatus.NotFound);
        host.Bind(host.DeviceA, host.Process("R"), 1);
        host.Bind(host.DeviceA, process, 3);
    }

    [Fact]
    public void Dispose_unbinds_everything_and_leaves_no_id_of_the_binder_allocated()
    {
        var host = new Host();
        Ioasid foreign = host.Allocator.Allocate(IoasidRange.Pasids, data: "foreign");
        AddressSpace bound = host.Process("P");
        AddressSpace exited = host.Process("Q");
        AddressSpace remembering = host.Process("R");
        host.Bind(host.DeviceA, bound, 2);
        host.Bind(host.DeviceFar, bound, 2);
        host.Bind(host.DeviceA, bound, 3, SvmBindFlags.Private);
        host.Bind(host.DeviceA, exited, 4);
        exited.Exit();
        host.Bind(host.DeviceA, remembering, 5);
        host.Unbind(host.DeviceA, 5);
        host.Bind(host.DeviceA, null, 6, SvmBindFlags.Supervisor);

        host.Binder.Dispose();

        host.Live().Should().Equal(foreign.Value);
        host.Iommu0.Entries.Should().BeEmpty();
        host.Iommu1.Entries.Should().BeEmpty();
        host.Iommu0.Violations.Should().BeEmpty();
        host.Binder.GetBindings().Should().BeEmpty();
        exited.IsDestroyed.Should().BeTrue();
    }

    [Fact]
    public void Dispose_frees_what_a_quirk_lost()
    {
        var host = new Host(KernelProfile.Seed, configure: options => options.CpuHasEnqcmd = false);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);
        host.Unbind(host.DeviceA, 1);
        host.Unbind(host.DeviceA, 2);
        process.Exit();
        host.Binder.GetLeakedPasids().Should().Equal(new Ioasid(2), new Ioasid(1));

        host.Dispose();

        host.Live().Should().BeEmpty();
        host.Binder.GetLeakedPasids().Should().BeEmpty();
    }

    [Fact]
    public void After_dispose_members_throw_and_disposals_do_nothing()
    {
        var host = new Host();
        AddressSpace process = host.Process("P");
        SvmBinding binding = host.Binder.Bind(host.DeviceA, process);
        host.Binder.Dispose();
        host.Binder.Dispose();

        Action create = () => host.Binder.CreateAddressSpace("late");
        Action bind = () => host.Binder.BindMm(host.DeviceA, process, out _);
        Action everyday = () => host.Binder.Bind(host.DeviceA, process);
        Action enable = () => host.Binder.EnablePasid(host.DeviceA);
        Action unbind = () => host.Binder.UnbindMm(host.DeviceA, new Ioasid(1));
        Action fork = () => process.Fork("child");
        foreach (Action act in new[] { create, bind, everyday, enable, unbind, fork })
        {
            act.Should().Throw<ObjectDisposedException>();
        }

        binding.Dispose();
        process.Dispose();
        process.IsDestroyed.Should().BeTrue();
        host.Binder.Lookup(new Ioasid(1), out _).Should().Be(PasidStatus.NotFound);
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void An_address_space_dropped_while_it_has_something_to_lose_is_kept_until_the_binder_goes()
    {
        var host = new SvmBinder();
        var device = new SvmDevice("dev", new Iommu("iommu"));
        (WeakReference bound, WeakReference remembering, WeakReference unused) = Drop(host, device);

        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        bound.IsAlive.Should().BeTrue();
        remembering.IsAlive.Should().BeTrue();
        unused.IsAlive.Should().BeFalse("it has neither a PASID nor a binding");
        host.GetBindings().Should().ContainSingle().Which.AddressSpace!.Name.Should().Be("bound");
        host.Allocator.LiveCount.Should().Be(2);

        host.Dispose();
        host.Allocator.LiveCount.Should().Be(0);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static (WeakReference Bound, WeakReference Remembering, WeakReference Unused) Drop(SvmBinder binder, SvmDevice device)
    {
        AddressSpace bound = binder.CreateAddressSpace("bound");
        AddressSpace remembering = binder.CreateAddressSpace("remembering");
        AddressSpace unused = binder.CreateAddressSpace("unused");
        binder.BindMm(device, bound, out _);
        binder.BindMm(device, remembering, out Ioasid pasid);
        binder.UnbindMm(device, pasid);
        return (new WeakReference(bound), new WeakReference(remembering), new WeakReference(unused));
    }

    [Fact]
    public void Lookup_beside_the_last_unbind_of_an_exited_process_never_finds_its_pasid_without_data()
    {
        using var host = new Host();
        AddressSpace process = host.Process("process");
        Ioasid pasid = host.Bind(host.DeviceA, process, 1);
        process.Exit();
        List<PasidStatus> seen = [];
        host.InsideObserver = _ => seen.Add(host.Binder.Lookup(pasid, out AddressSpace? _));

        host.Unbind(host.DeviceA, 1);

        seen.Distinct().Should().Equal(PasidStatus.Success, PasidStatus.NotFound);
    }

    [Fact]
    public void Lookup_after_the_last_unbind_of_an_exited_process_whose_pasid_others_hold_finds_it_without_data()
    {
        using var host = new Host();
        AddressSpace process = host.Process("process");
        Ioasid pasid = host.Bind(host.DeviceA, process, 1);
        host.Allocator.AddReference(pasid);
        process.Exit();

        host.Unbind(host.DeviceA, 1);

        host.Binder.Lookup(pasid, out _).Should().Be(PasidStatus.InvalidArgument);
        host.Allocator.Lookup(pasid, out object? data).Should().Be(PasidStatus.Success);
        data.Should().BeNull();
        host.Allocator.DropReference(pasid).Should().Be(IoasidRelease.Freed);
    }
}

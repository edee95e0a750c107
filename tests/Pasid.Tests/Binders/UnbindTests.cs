using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Unbind, validity and look-up.</summary>
public sealed class UnbindTests
{
    private static readonly Ioasid s_one = new(1);

    [Fact]
    public void UnbindMm_counts_down_and_takes_its_steps_with_the_last_user()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceFar, process, 1);
        host.Bind(host.DeviceFar, process, 1);
        host.TakeEvents();

        host.Unbind(host.DeviceFar, 1);
        host.Events.Should().BeEmpty();

        host.Unbind(host.DeviceFar, 1);
        host.TakeEvents().Should().Equal(
            "tear_down iommu1 devF pasid=1",
            "iommu1 pasid_cache pasid=1 did=1",
            "iommu1 iotlb pasid=1 did=1",
            "iommu1 dev_iotlb pasid=1 sid=7 qdep=0",
            "ioasid_set_data 1 null",
            "notifier_unregister P");
        host.Unbind(host.DeviceFar, 1, PasidStatus.InvalidArgument);
    }

    [Fact]
    public void UnbindMm_of_one_of_several_devices_leaves_the_binding_to_the_others()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceB, process, 1);
        host.Bind(host.DeviceFar, process, 1);
        host.TakeEvents();

        host.Unbind(host.DeviceB, 1);

        host.TakeEvents().Should().Equal("tear_down iommu0 devB pasid=1", "iommu0 pasid_cache pasid=1 did=1", "iommu0 iotlb pasid=1 did=1");
        host.Binder.GetBindings()[0].Devices.Select(device => device.Device).Should().Equal(host.DeviceFar, host.DeviceA);
        host.Unbind(host.DeviceB, 1, PasidStatus.InvalidArgument);
    }

    [Fact]
    public void UnbindMm_of_a_device_without_iommu_answers_invalid_argument_even_for_an_unknown_pasid()
    {
        using var host = new Host();

        host.Unbind(new SvmDevice("alone", null), 99, PasidStatus.InvalidArgument);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(2u)]
    [InlineData(1u << 20)]
    [InlineData(uint.MaxValue)]
    public void Unknown_pasids_answer_not_found(uint pasid)
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("P"), 1);

        host.Unbind(host.DeviceA, pasid, PasidStatus.NotFound);
        host.Binder.IsPasidValid(host.DeviceA, new Ioasid(pasid), out bool isValid).Should().Be(PasidStatus.NotFound);
        host.Binder.Lookup(new Ioasid(pasid), out AddressSpace? addressSpace).Should().Be(PasidStatus.NotFound);

        isValid.Should().BeFalse();
        addressSpace.Should().BeNull();
    }

    [Fact]
    public void A_pasid_that_others_allocated_answers_invalid_argument()
    {
        using var host = new Host();
        Ioasid foreign = host.Allocator.Allocate(IoasidRange.Pasids, data: "something else");
        Ioasid empty = host.Allocator.Allocate(IoasidRange.Pasids);

        foreach (Ioasid pasid in new[] { foreign, empty })
        {
            host.Binder.UnbindMm(host.DeviceA, pasid).Should().Be(PasidStatus.InvalidArgument);
            host.Binder.IsPasidValid(host.DeviceA, pasid, out _).Should().Be(PasidStatus.InvalidArgument);
            host.Binder.Lookup(pasid, out _).Should().Be(PasidStatus.InvalidArgument);
        }
    }

    [Fact]
    public void A_pasid_of_another_binder_on_the_same_allocator_answers_invalid_argument()
    {
        using var host = new Host();
        using var other = new SvmBinder(host.Allocator);
        other.BindMm(host.DeviceA, other.CreateAddressSpace("elsewhere"), out Ioasid pasid);

        host.Unbind(host.DeviceA, pasid.Value, PasidStatus.InvalidArgument);
        host.Binder.Lookup(pasid, out _).Should().Be(PasidStatus.InvalidArgument);
        host.Bind(host.DeviceA, host.Process("P"), 2);
    }

    [Fact]
    public void UnbindMm_works_with_dma_remapping_off_and_without_svm_because_it_asks_for_neither()
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("P"), 1);
        host.Iommu0.IsSvmCapable = false;

        host.Unbind(host.DeviceA, 1);
    }

    [Fact]
    public void IsPasidValid_is_true_for_a_living_process_on_any_device_and_false_after_its_exit()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);

        host.Binder.IsPasidValid(host.DeviceB, s_one, out bool isValid).Should().Be(PasidStatus.Success);
        isValid.Should().BeTrue("the device need not be bound to the PASID");

        process.Exit();
        host.Binder.IsPasidValid(host.DeviceA, s_one, out isValid).Should().Be(PasidStatus.Success);
        isValid.Should().BeFalse();
    }

    [Fact]
    public void IsPasidValid_is_true_for_the_supervisor_whoever_exits()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1, SvmBindFlags.Supervisor);
        process.Exit();

        host.Binder.IsPasidValid(host.DeviceA, s_one, out bool isValid).Should().Be(PasidStatus.Success);

        isValid.Should().BeTrue();
    }

    [Fact]
    public void IsPasidValid_of_a_device_without_iommu_answers_invalid_argument()
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("P"), 1);

        host.Binder.IsPasidValid(new SvmDevice("alone", null), s_one, out _).Should().Be(PasidStatus.InvalidArgument);
    }

    [Fact]
    public void Lookup_finds_the_address_space_of_each_kind_of_pasid()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);
        host.Bind(host.DeviceA, null, 3, SvmBindFlags.Supervisor);

        host.Binder.Lookup(s_one, out AddressSpace? shared).Should().Be(PasidStatus.Success);
        host.Binder.Lookup(new Ioasid(2), out AddressSpace? own).Should().Be(PasidStatus.Success);
        host.Binder.Lookup(new Ioasid(3), out AddressSpace? supervisor).Should().Be(PasidStatus.Success);

        shared.Should().BeSameAs(process);
        own.Should().BeSameAs(process);
        supervisor.Should().BeNull();
    }

    [Fact]
    public void Lookup_during_a_bind_finds_nothing_yet()
    {
        using var host = new Host();
        List<PasidStatus> seen = [];
        host.Iommu0.Inside = _ => seen.Add(host.Binder.Lookup(s_one, out AddressSpace? _));
        AddressSpace process = host.Process("P");

        host.Bind(host.DeviceA, process, 1);
        host.Unbind(host.DeviceA, 1);
        host.Bind(host.DeviceA, process, 1);

        // Enabling and set-up of the first bind; tear-down and flush; enabling and set-up of the bind that takes it up.
        seen.Should().Equal(
            PasidStatus.NotFound, PasidStatus.NotFound,
            PasidStatus.Success, PasidStatus.Success,
            PasidStatus.InvalidArgument, PasidStatus.InvalidArgument);
    }

    [Fact]
    public void An_added_reference_keeps_the_number_but_not_the_binding()
    {
        using var host = new Host(KernelProfile.Linux56);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        host.Allocator.AddReference(s_one);

        host.Unbind(host.DeviceA, 1);

        host.Allocator.Lookup(s_one, out object? data).Should().Be(PasidStatus.Success);
        data.Should().BeNull();
        host.Binder.Lookup(s_one, out _).Should().Be(PasidStatus.InvalidArgument);
        host.Bind(host.DeviceA, host.Process("Q"), 2);
        host.Allocator.DropReference(s_one).Should().Be(IoasidRelease.Freed);
    }

    [Fact]
    public void Unbind_and_exit_of_a_kernel_that_clears_the_present_bit_first_flush_between_that_and_the_tear_down()
    {
        using var host = new Host(KernelProfile.Default with { ClearsPresentFirst = true });
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceFar, process, 1);
        host.TakeEvents();

        host.Unbind(host.DeviceA, 1);
        host.TakeEvents().Should().Equal("clear_present iommu0 devA pasid=1", "iommu0 pasid_cache pasid=1 did=1", "iommu0 iotlb pasid=1 did=1", "tear_down iommu0 devA pasid=1");

        process.Exit();
        host.TakeEvents().Should().Equal(
            "clear_present iommu1 devF pasid=1",
            "iommu1 pasid_cache pasid=1 did=1",
            "iommu1 iotlb pasid=1 did=1",
            "iommu1 dev_iotlb pasid=1 sid=7 qdep=0",
            "tear_down iommu1 devF pasid=1 fault_ignore");
    }

    [Fact]
    public void Unbind_goes_to_its_end_once_the_present_bit_is_cleared()
    {
        var iommu = new TwoPhases();
        using var binder = new SvmBinder(new PasidOptions { Profile = KernelProfile.Default with { ClearsPresentFirst = true } });
        var device = new SvmDevice("device", iommu);
        binder.BindMm(device, binder.CreateAddressSpace("P"), out Ioasid pasid);

        iommu.Throws = nameof(IIommu.ClearPresent);
        binder.Invoking(b => b.UnbindMm(device, pasid)).Should().Throw<TimeoutException>();
        binder.GetBindings().Should().ContainSingle("nothing has happened");
        iommu.Throws = nameof(IIommu.TearDownPasidEntry);
        binder.Invoking(b => b.UnbindMm(device, pasid)).Should().Throw<TimeoutException>();

        binder.GetBindings().Should().BeEmpty();
        iommu.Calls.Should().Equal("ClearPresent", "ClearPresent", "Flush", "TearDownPasidEntry");
        binder.CheckIntegrity().Should().BeEmpty();
        FluentActions.Invoking(() => new SvmBinder(new PasidOptions { Profile = KernelProfile.Linux56 with { ClearsPresentFirst = true } }))
            .Should().Throw<ArgumentException>().WithMessage("*ClearsPresentFirst*its tear-downs do not flush*");
    }

    [Fact]
    public void Exit_has_the_iommu_ignore_faults_and_the_unbind_clears_the_entry_for_good()
    {
        var iommu = new TwoPhases();
        using var binder = new SvmBinder();
        var device = new SvmDevice("device", iommu);
        AddressSpace process = binder.CreateAddressSpace("P");
        binder.BindMm(device, process, out Ioasid pasid);

        process.Exit();
        iommu.Calls.Should().Equal("TearDownPasidEntry True", "Flush");
        binder.UnbindMm(device, pasid).Should().Be(PasidStatus.Success);

        iommu.Calls.Should().Equal("TearDownPasidEntry True", "Flush", "TearDownPasidEntry", "Flush");
    }

    /// <summary>An IOMMU without an observer beside it, one of whose calls throws.</summary>
    private sealed class TwoPhases : IIommu
    {
        public string? Throws { get; set; }

        public List<string> Calls { get; } = [];

        public string Name => "iommu";

        public bool IsSvmCapable => true;

        public bool SupportsSupervisor => true;

        public PasidStatus EnablePasid(SvmDevice device) => PasidStatus.Success;

        public PasidStatus SetUpPasidEntry(SvmDevice device, Ioasid pasid, AddressSpace? addressSpace) => PasidStatus.Success;

        public void ClearPresent(SvmDevice device, Ioasid pasid) => Call(nameof(ClearPresent));

        public void TearDownPasidEntry(SvmDevice device, Ioasid pasid) => Call(nameof(TearDownPasidEntry));

        public void TearDownPasidEntry(SvmDevice device, Ioasid pasid, bool ignoresFaults) => Call($"{nameof(TearDownPasidEntry)} {ignoresFaults}");

        public void Flush(SvmDevice device, Ioasid pasid) => Call(nameof(Flush));

        private void Call(string name)
        {
            Calls.Add(name);
            if (name == Throws)
            {
                throw new TimeoutException(name);
            }
        }
    }
}

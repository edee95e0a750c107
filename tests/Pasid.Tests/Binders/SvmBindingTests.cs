using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

public sealed class SvmBindingTests
{
    [Fact]
    public void Bind_answers_a_handle_that_knows_its_bind()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");

        using SvmBinding binding = host.Binder.Bind(host.DeviceA, process, SvmBindFlags.Private);

        binding.Device.Should().BeSameAs(host.DeviceA);
        binding.AddressSpace.Should().BeSameAs(process);
        binding.Pasid.Should().Be(new Ioasid(1));
        binding.Flags.Should().Be(SvmBindFlags.Private);
    }

    [Fact]
    public void Dispose_unbinds_once_however_often_it_is_called()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmBinding first = host.Binder.Bind(host.DeviceA, process);
        SvmBinding second = host.Binder.Bind(host.DeviceA, process);

        first.Dispose();
        first.Dispose();

        host.Binder.GetBindings()[0].Devices[0].Users.Should().Be(1);
        second.Dispose();
        host.Binder.GetBindings().Should().BeEmpty();
    }

    [Fact]
    public void Dispose_after_an_unbind_by_number_does_nothing()
    {
        using var host = new Host();
        SvmBinding binding = host.Binder.Bind(host.DeviceA, host.Process("P"));
        host.Unbind(host.DeviceA, 1);
        host.TakeEvents();

        binding.Dispose();

        host.Events.Should().BeEmpty();
    }

    [Fact]
    public void Dispose_does_not_touch_what_was_bound_to_the_same_number_since()
    {
        using var host = new Host(KernelProfile.Linux56);
        SvmBinding stale = host.Binder.Bind(host.DeviceA, host.Process("P"));
        host.Unbind(host.DeviceA, 1);
        AddressSpace next = host.Process("Q");
        host.Bind(host.DeviceA, next, 1);

        stale.Dispose();

        host.Iommu0.Entries.Should().Equal("devA/1=Q");
        stale.Pasid.Should().Be(new Ioasid(1));
    }

    [Fact]
    public void Dispose_does_not_touch_a_bind_of_the_same_device_and_process_made_since()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceB, process, 1);
        SvmBinding stale = host.Binder.Bind(host.DeviceA, process);
        host.Unbind(host.DeviceA, 1);
        host.Bind(host.DeviceA, process, 1);

        stale.Dispose();

        host.Iommu0.Entries.Should().Equal("devA/1=P", "devB/1=P");
    }

    [Fact]
    public void Bind_that_fails_throws_with_the_status_and_says_why()
    {
        using var host = new Host(pasidLimit: 2);
        AddressSpace process = host.Process("P");
        using SvmBinding bound = host.Binder.Bind(host.DeviceA, process);
        var exited = host.Process("X");
        exited.Exit();
        host.Iommu1.IsSvmCapable = false;

        Expect(() => host.Binder.Bind(host.DeviceA, process, callbacks: new Callbacks("other")), PasidStatus.Busy, "The device 'devA' is bound to this PASID with other callbacks*");
        Expect(() => host.Binder.Bind(host.DeviceA, host.Process("Q")), PasidStatus.NoSpace, "No PASID for the device 'devA'*");
        Expect(() => host.Binder.Bind(host.DeviceA, exited), PasidStatus.InvalidArgument, "The address space 'X' has exited*");
        Expect(() => host.Binder.Bind(new SvmDevice("alone", null), process), PasidStatus.InvalidArgument, "The device 'alone' cannot be bound*");
        Expect(() => host.Binder.Bind(host.DeviceFar, process), PasidStatus.NotSupported, "The IOMMU 'iommu1' of the device 'devF' is not capable of SVM.");
        Expect(() => host.Binder.Bind(new SvmDevice("old", host.Iommu0) { SupportsPasid = false }, process), PasidStatus.OperationNotSupported, "The device 'old' does not support PASIDs.");
        host.Armed = SvmFaultPoint.DeviceRecord;
        Expect(() => host.Binder.Bind(host.DeviceB, process), PasidStatus.OutOfMemory, "Binding the device 'devB' failed with OutOfMemory, which the fault injector answered at DeviceRecord.");

        static void Expect(Func<SvmBinding> bind, PasidStatus status, string message) =>
            bind.Should().Throw<PasidException>().WithMessage(message).Which.Status.Should().Be(status);
    }
}

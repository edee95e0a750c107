using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

public sealed class ForkAndExecTests
{
    [Fact]
    public void Fork_makes_a_child_without_pasid_and_bindings()
    {
        using var host = new Host();
        AddressSpace parent = host.Process("P");
        host.Bind(host.DeviceA, parent, 1);

        AddressSpace child = parent.Fork("C");

        child.Name.Should().Be("C");
        child.Pasid.Should().Be(Ioasid.Invalid);
        host.Bind(host.DeviceA, child, 2);
        child.Exit();
        host.Unbind(host.DeviceA, 2);
        host.Live().Should().Equal(1u);
    }

    [Fact]
    public void Fork_under_its_quirk_leads_a_bind_of_the_child_to_the_parents_number()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace parent = host.Process("P");
        host.Bind(host.DeviceA, parent, 1);
        AddressSpace child = parent.Fork("C");
        host.TakeEvents();

        host.Bind(host.DeviceB, child, 1);

        host.TakeEvents().Should().Contain("ioasid_set_data 1 svm");
        host.Binder.Lookup(new Ioasid(1), out AddressSpace? named).Should().Be(PasidStatus.Success);
        named.Should().BeSameAs(child, "the number now leads to the child, although the parent's device uses it too");
        host.Iommu0.Entries.Should().Equal("devA/1=P", "devB/1=C");
        host.Unbind(host.DeviceA, 1, PasidStatus.InvalidArgument);
    }

    [Fact]
    public void Fork_under_its_quirk_lets_a_handle_of_the_parent_miss_what_the_kernel_would_miss()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace parent = host.Process("P");
        SvmBinding binding = host.Binder.Bind(host.DeviceA, parent);
        AddressSpace child = parent.Fork("C");
        host.Bind(host.DeviceA, child, 1);

        binding.Dispose();

        host.Binder.GetBindings().Should().HaveCount(2, "neither the parent's binding was found nor the child's taken for it");
    }

    [Fact]
    public void Fork_under_its_quirk_lets_a_freed_number_be_bound_without_being_allocated()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace parent = host.Process("P");
        host.Bind(host.DeviceA, parent, 1);
        host.Unbind(host.DeviceA, 1);
        parent.Fork("C").Exit();

        host.Bind(host.DeviceA, parent, 1);

        host.Live().Should().BeEmpty();
        host.Unbind(host.DeviceA, 1, PasidStatus.NotFound);
    }

    [Fact]
    public void Exec_leaves_the_old_address_space_and_begins_without_pasid()
    {
        using var host = new Host();
        AddressSpace before = host.Process("P");
        host.Bind(host.DeviceA, before, 1);

        AddressSpace after = before.Exec("P2");

        before.HasExited.Should().BeTrue();
        before.IsDestroyed.Should().BeFalse("its binding pins it");
        after.Pasid.Should().Be(Ioasid.Invalid);
        host.Iommu0.Entries.Should().BeEmpty();
        host.Unbind(host.DeviceA, 1);
        before.IsDestroyed.Should().BeTrue();
        host.Bind(host.DeviceA, after, 1);
    }

    [Fact]
    public void Fork_and_exec_of_an_exited_address_space_throw()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        process.Exit();

        Action fork = () => process.Fork("C");
        Action exec = () => process.Exec("E");

        fork.Should().Throw<InvalidOperationException>().WithMessage("The address space 'P' has exited: fork one that still has a user.");
        exec.Should().Throw<InvalidOperationException>().WithMessage("The address space 'P' has exited: exec one that still has a user.");
    }
}

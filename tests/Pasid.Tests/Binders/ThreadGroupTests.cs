using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Processes as Linux counts them: a thread is a user, the last one ends the process, and two may share an address space.</summary>
public sealed class ThreadGroupTests
{
    [Fact]
    public void A_process_with_one_thread_has_one_user_and_exits_with_it()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        process.Users.Should().Be(1, "its thread has no name yet");

        SvmThread first = process.CreateThread("first");
        process.Users.Should().Be(1);
        SvmThread second = first.Clone("second");
        process.Users.Should().Be(2);
        host.Bind(host.DeviceA, process, 1);
        first.Exit();
        (process.Users, process.HasExited).Should().Be((1, false));
        second.Exit();

        (process.Users, process.HasExited, process.GetThreads().Count).Should().Be((0, true, 0));
        host.Iommu0.Entries.Should().BeEmpty();
        process.Invoking(p => p.CreateThread("late")).Should().Throw<InvalidOperationException>().WithMessage("*has left*");
        process.Exit();
    }

    [Fact]
    public void The_last_thread_leaves_other_users_behind_and_its_process_binds_nothing()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.TryAddUser().Should().BeTrue();

        process.CreateThread("only").Exit();

        (process.Users, process.HasExited).Should().Be((1, false));
        host.BindFails(host.DeviceB, process, PasidStatus.InvalidArgument);
        host.BindFails(host.DeviceA, process, PasidStatus.InvalidArgument);
        host.BindFails(host.DeviceB, process, PasidStatus.InvalidArgument, SvmBindFlags.Private);
        host.Binder.Invoking(b => b.Bind(host.DeviceB, process)).Should().Throw<PasidException>().WithMessage("The processes of the address space 'P' have left*");
        host.Iommu0.Entries.Should().Equal("devA/1=P");
        process.DropUser();
        process.HasExited.Should().BeTrue();
        host.Binder.Invoking(b => b.Bind(host.DeviceB, process)).Should().Throw<PasidException>().WithMessage("The address space 'P' has exited*");
    }

    [Fact]
    public void A_clone_that_shares_memory_alone_is_a_process_whose_exec_leaves_its_parent_alive()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmThread parent = process.CreateThread("parent");
        process.Portals.Map(0x1000, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);

        SvmThread child = parent.Clone("child", CloneFlags.SharesMemory);
        child.AddressSpace.Should().BeSameAs(process);
        process.Users.Should().Be(2);
        SvmThread second = child.Clone("second");
        child.Enqcmd(0x1000, new byte[64]).Should().Be(new EnqcmdResult(EnqcmdOutcome.Accepted, wasFixedUp: true), "PASID and portals are the address space's");
        child.Exec("program");

        (parent.HasExited, child.HasExited, second.HasExited).Should().Be((false, false, true));
        (process.Users, process.HasExited).Should().Be((1, false));
        host.Iommu0.Entries.Should().Equal("devA/1=P");
        (child.AddressSpace.Name, child.AddressSpace.Users, child.Msr).Should().Be(("program", 1L, default(PasidMsr)));
        child.AddressSpace.CreateThread("next");
        child.ExitGroup();
        child.AddressSpace.HasExited.Should().BeTrue("the thread that executed the program and the next are of one process");
        process.HasExited.Should().BeFalse();
    }

    [Fact]
    public void ExitGroup_ends_the_process_of_the_thread_and_no_other_in_the_address_space()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmThread parent = process.CreateThread("parent");
        SvmThread sibling = parent.Clone("sibling", CloneFlags.SharesMemory | CloneFlags.SharesThreadGroup);
        SvmThread child = sibling.Clone("child", CloneFlags.SharesMemory);

        sibling.ExitGroup();

        (parent.HasExited, sibling.HasExited, child.HasExited).Should().Be((true, true, false));
        (process.Users, process.HasExited).Should().Be((1, false));
        process.Invoking(p => p.CreateThread("late")).Should().Throw<InvalidOperationException>().WithMessage("*has left*");
        host.Bind(host.DeviceA, process, 1);
        child.Clone("more").HasExited.Should().BeFalse();
        sibling.ExitGroup();
        process.HasExited.Should().BeFalse();
        child.ExitGroup();
        process.HasExited.Should().BeTrue();
    }

    [Fact]
    public void Exit_of_an_address_space_ends_all_processes_that_share_it()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmThread child = process.CreateThread("parent").Clone("child", CloneFlags.SharesMemory);

        process.Exit();

        child.HasExited.Should().BeTrue();
        process.HasExited.Should().BeTrue();
    }

    [Fact]
    public void Clone_shares_what_it_is_told_to()
    {
        using var host = new Host();
        SvmThread thread = host.Process("P").CreateThread("T");

        SvmThread forked = thread.Clone("F", CloneFlags.None);

        forked.AddressSpace.Name.Should().Be("F");
        forked.AddressSpace.Users.Should().Be(1);
        thread.Invoking(t => t.Clone("X", CloneFlags.SharesThreadGroup)).Should().Throw<ArgumentException>().WithMessage("*add SharesMemory*").WithParameterName("flags");
        thread.Invoking(t => t.Clone("X", (CloneFlags)1)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*CloneFlags*").WithParameterName("flags");
        thread.Invoking(t => t.Clone("\ud800", CloneFlags.SharesMemory)).Should().Throw<ArgumentException>().WithParameterName("name");
        thread.AddressSpace.Users.Should().Be(1);
    }

    [Fact]
    public void Restored_threads_of_an_address_space_are_of_one_process()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        process.CreateThread("parent").Clone("child", CloneFlags.SharesMemory);
        host.Bind(host.DeviceA, process, 1);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();

        host.Binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA, FindAddressSpace = _ => process });

        process.Users.Should().Be(2);
        process.GetThreads()[1].ExitGroup();
        process.HasExited.Should().BeTrue();
    }

    [Fact]
    public void Map_of_a_portal_that_another_process_opened_is_not_permitted()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmThread parent = process.CreateThread("parent");
        var portal = new OpenedPortal(process.Portals);
        AddressSpace child = parent.Fork("C").AddressSpace;

        process.Portals.Map(0x1000, portal);
        parent.Clone("V", CloneFlags.SharesMemory).AddressSpace.Portals.Map(0x2000, portal);
        PasidException refusal = child.Portals.Invoking(p => p.Map(0x1000, portal)).Should().Throw<PasidException>().WithMessage("The address space 'P' opened the portal 'opened', and 'C' may not map it*").Which;

        ((int)refusal.Status, refusal.Status).Should().Be((-1, PasidStatus.NotPermitted));
        child.Portals.Count.Should().Be(0);
        child.Portals.Map(0x1000, new SpyPortal());
    }

    private sealed class OpenedPortal(PortalMap opener) : IEnqcmdPortal
    {
        public string Name => "opened";

        public PortalMap? Opener => opener;

        public bool Submit(in EnqcmdCommand command) => true;
    }
}

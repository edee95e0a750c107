using System.Buffers.Binary;
using Pasid.Tests.Support;

namespace Pasid.Tests.Enqcmd;

/// <summary>Threads with their registers, and what ENQCMD and ENQCMDS make of them.</summary>
public sealed class SvmThreadTests
{
    private const ulong Portal = 0x1000;

    [Fact]
    public void D16_The_first_ENQCMD_of_a_thread_faults_once_and_is_executed_again_with_the_pasid_loaded()
    {
        using var host = new Host(KernelProfile.Seed);
        var portal = new SpyPortal();
        (AddressSpace process, SvmThread thread) = Process(host, portal);
        host.Bind(host.DeviceA, process, 1);
        SvmThread second = process.CreateThread("second");
        thread.Msr.Should().Be(default(PasidMsr), "a bind touches no register");

        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.Accepted, wasFixedUp: true));
        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.Accepted));

        thread.Msr.Should().Be(new PasidMsr(0x8000_0001));
        second.Msr.IsValid.Should().BeFalse("each thread has a register of its own");
        thread.Enqcmd(Portal, Bytes(head: 4)).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection), "a second fault is real");
        portal.Commands.Should().HaveCount(2);
    }

    [Fact]
    public void D17_Without_a_pasid_the_fault_is_real_and_the_register_stays_empty()
    {
        using var host = new Host();
        (_, SvmThread thread) = Process(host, new SpyPortal());

        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));

        thread.Msr.Should().Be(default(PasidMsr));
    }

    [Fact]
    public void D17_Linux56_remembers_no_pasid_and_so_never_loads_one()
    {
        using var host = new Host(KernelProfile.Linux56);
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void D18_After_clone_and_fork_the_new_register_is_empty(bool isFork)
    {
        using var host = new Host(KernelProfile.Seed);
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);
        thread.Enqcmd(Portal, Bytes());

        SvmThread made = isFork ? thread.Fork("child") : thread.Clone("second");

        made.Msr.Should().Be(default(PasidMsr));
        ReferenceEquals(made.AddressSpace, process).Should().Be(!isFork);
        thread.Msr.IsValid.Should().BeTrue();
    }

    [Fact]
    public void D18_A_forked_child_maps_no_portal()
    {
        using var host = new Host(KernelProfile.Seed);
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);

        SvmThread child = thread.Fork("child");

        child.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.PageFault, wasFixedUp: true), "the quirk copied the PASID, and nothing the portal");
    }

    [Fact]
    public void D19_After_the_unbind_the_register_stays_valid_and_the_portal_is_gone()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);
        thread.Enqcmd(Portal, Bytes());
        host.Unbind(host.DeviceA, 1);
        process.Portals.Unmap(Portal).Should().BeTrue();

        thread.Msr.Pasid.Should().Be(new Ioasid(1));
        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.PageFault));
        host.Binder.CheckIntegrity().Should().BeEmpty();
    }

    [Fact]
    public void D21_Reserved_bits_of_the_source_fault_whatever_the_register_holds()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        thread.Enqcmd(Portal, Bytes(head: 1)).Outcome.Should().Be(EnqcmdOutcome.GeneralProtection);
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(Portal, Bytes(head: 1u << 31)).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection, wasFixedUp: true), "the kernel does not look at the instruction");
        thread.Enqcmd(Portal, Bytes(head: 1)).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));
    }

    [Fact]
    public void D21_The_command_has_the_pasid_of_the_register_without_privilege_and_the_rest_of_the_source()
    {
        using var host = new Host();
        var portal = new SpyPortal();
        (AddressSpace process, SvmThread thread) = Process(host, portal);
        host.Allocator.Allocate(new IoasidRange(1, 0xABCDE - 1));
        host.Binder.BindMm(host.DeviceA, process, out Ioasid pasid);
        byte[] source = Bytes();
        for (int i = 4; i < 64; i++)
        {
            source[i] = (byte)(i * 3);
        }

        thread.Enqcmd(Portal + 0x40, source, CpuPrivilege.User).Outcome.Should().Be(EnqcmdOutcome.Accepted);
        thread.Enqcmd(Portal + 0x40, source, CpuPrivilege.Supervisor).Outcome.Should().Be(EnqcmdOutcome.Accepted);

        foreach (EnqcmdCommand command in portal.Commands)
        {
            byte[] bytes = new byte[64];
            command.CopyTo(bytes);
            BinaryPrimitives.ReadUInt32LittleEndian(bytes).Should().Be(pasid.Value);
            bytes[4..].Should().Equal(source[4..]);
            command.IsPrivileged.Should().BeFalse();
            command.Pasid.Should().Be(pasid);
        }
    }

    [Fact]
    public void D21_ENQCMDS_faults_for_a_program_and_takes_pasid_and_privilege_from_the_source_for_the_kernel()
    {
        using var host = new Host();
        var portal = new SpyPortal();
        (_, SvmThread thread) = Process(host, portal);

        thread.Enqcmds(Portal, Bytes(head: 5), CpuPrivilege.User).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));
        thread.Enqcmds(Portal, Bytes(head: 0x000F_FFFF), CpuPrivilege.Supervisor).Outcome.Should().Be(EnqcmdOutcome.Accepted);
        thread.Enqcmds(Portal, Bytes(head: 0x8000_0005), CpuPrivilege.Supervisor).Outcome.Should().Be(EnqcmdOutcome.Accepted);
        thread.Enqcmds(Portal, Bytes(head: 0x0010_0000), CpuPrivilege.Supervisor).Outcome.Should().Be(EnqcmdOutcome.GeneralProtection);
        thread.Enqcmds(Portal, Bytes(head: 0x4000_0000), CpuPrivilege.Supervisor).Outcome.Should().Be(EnqcmdOutcome.GeneralProtection);

        portal.Commands.Select(c => (c.Pasid.Value, c.IsPrivileged)).Should().Equal((0xFFFFF, false), (5, true));
        thread.Msr.Should().Be(default(PasidMsr), "the register plays no part");
    }

    [Fact]
    public void A_fault_in_the_kernel_is_not_fixed_up()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(Portal, Bytes(), CpuPrivilege.Supervisor).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));
        thread.Enqcmds(Portal, Bytes(head: 1u << 20), CpuPrivilege.Supervisor).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));

        thread.Msr.IsValid.Should().BeFalse();
    }

    [Theory]
    [InlineData(Portal + 1, EnqcmdOutcome.GeneralProtection)]
    [InlineData(Portal + 32, EnqcmdOutcome.GeneralProtection)]
    [InlineData(Portal + 0xFC0, EnqcmdOutcome.Accepted)]
    [InlineData(Portal + 0x1000, EnqcmdOutcome.PageFault)]
    [InlineData(Portal - 64, EnqcmdOutcome.PageFault)]
    [InlineData(0x0000_7FFF_FFFF_FFC0, EnqcmdOutcome.PageFault)]
    [InlineData(0x0000_8000_0000_0000, EnqcmdOutcome.GeneralProtection)]
    [InlineData(0xFFFF_7FFF_FFFF_FFC0, EnqcmdOutcome.GeneralProtection)]
    [InlineData(0xFFFF_8000_0000_0000, EnqcmdOutcome.PageFault)]
    public void The_destination_is_aligned_and_canonical_and_in_the_page_of_a_portal(ulong destination, EnqcmdOutcome expected)
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);
        thread.Enqcmd(Portal, Bytes());

        thread.Enqcmd(destination, Bytes()).Outcome.Should().Be(expected);
    }

    [Fact]
    public void A_cpu_without_ENQCMD_does_not_know_the_instructions()
    {
        using var host = new Host(configure: options => options.CpuHasEnqcmd = false);
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.InvalidOpcode));
        thread.Enqcmds(Portal, Bytes(), CpuPrivilege.Supervisor).Should().Be(new EnqcmdResult(EnqcmdOutcome.InvalidOpcode));
    }

    [Fact]
    public void A_device_that_is_full_says_so_and_one_that_throws_is_heard()
    {
        using var host = new Host();
        var portal = new SpyPortal { IsFull = true };
        (AddressSpace process, SvmThread thread) = Process(host, portal);
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.Retry, wasFixedUp: true));
        portal.Inside = () => throw new TimeoutException();
        thread.Invoking(t => t.Enqcmd(Portal, Bytes())).Should().Throw<TimeoutException>();
        portal.Inside = () => host.Binder.BindMm(host.DeviceB, process, out _).Should().Be(PasidStatus.Success);
        thread.Enqcmd(Portal, Bytes()).Outcome.Should().Be(EnqcmdOutcome.Retry, "a portal may call the library");
    }

    [Fact]
    public void A_pasid_that_does_not_fit_the_register_is_not_loaded()
    {
        using var host = new Host(KernelProfile.Seed);
        host.Allocator.Register(new CustomIoasidAllocator("wide", new SpyFunctions(range => range.Maximum)));
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Binder.BindMm(host.Narrow(0), process, out Ioasid pasid).Should().Be(PasidStatus.Success);
        pasid.Value.Should().BeGreaterThan(1 << 20);

        thread.Enqcmd(Portal, Bytes()).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));
    }

    [Fact]
    public void D15_Exec_by_a_thread_empties_its_register_ends_the_others_and_lets_the_old_address_space_exit()
    {
        using var host = new Host(KernelProfile.Seed);
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        SvmThread other = process.CreateThread("other");
        host.Bind(host.DeviceA, process, 1);
        thread.Enqcmd(Portal, Bytes());

        thread.Exec("next");

        thread.HasExited.Should().BeFalse();
        thread.Msr.Should().Be(default(PasidMsr));
        thread.AddressSpace.Should().NotBeSameAs(process);
        thread.AddressSpace.Pasid.Should().Be(Ioasid.Invalid);
        thread.AddressSpace.Users.Should().Be(1);
        thread.AddressSpace.GetThreads().Should().Equal(thread);
        other.HasExited.Should().BeTrue();
        process.HasExited.Should().BeTrue();
        process.Portals.Count.Should().Be(0);
        host.Live().Should().Equal(1);
        host.Unbind(host.DeviceA, 1);
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void A_thread_that_has_exited_executes_nothing()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        SvmThread other = process.CreateThread("other");
        thread.Exit();
        thread.Exit();
        process.Users.Should().Be(1);

        foreach (Action call in new Action[] { () => thread.Enqcmd(Portal, Bytes()), () => thread.Enqcmds(Portal, Bytes(), default), () => thread.Clone("x"), () => thread.Fork("x"), () => thread.Exec("x") })
        {
            call.Should().Throw<InvalidOperationException>().WithMessage("The thread 'thread' has exited: use one that runs.");
        }

        process.Exit();
        other.HasExited.Should().BeTrue();
        process.GetThreads().Should().BeEmpty();
        process.Invoking(p => p.CreateThread("late")).Should().Throw<InvalidOperationException>().WithMessage("*process of the address space 'P' has left*");
        process.Portals.Invoking(p => p.Map(0, new SpyPortal())).Should().Throw<InvalidOperationException>().WithMessage("*'P' has exited*");
    }

    [Fact]
    public void Commands_and_portals_of_the_wrong_size_are_refused()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());

        thread.Invoking(t => t.Enqcmd(Portal, new byte[63])).Should().Throw<ArgumentException>().WithMessage("A command has 64 bytes, and these are 63.*");
        thread.Invoking(t => t.Enqcmds(Portal, new byte[65], default)).Should().Throw<ArgumentException>();
        thread.Invoking(t => t.Enqcmd(Portal, new byte[64], (CpuPrivilege)2)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*CpuPrivilege*");
        thread.Invoking(t => t.Enqcmds(Portal, new byte[64], (CpuPrivilege)(-1))).Should().Throw<ArgumentOutOfRangeException>();
        process.Portals.Invoking(p => p.Map(0x1800, new SpyPortal())).Should().Throw<ArgumentException>().WithMessage("*0x1800*multiple of 4096*");
        process.Portals.Invoking(p => p.Map(Portal, new SpyPortal())).Should().Throw<ArgumentException>().WithMessage("*0x1000 already*");
        process.Portals.Unmap(0x5000).Should().BeFalse();
        FluentActions.Invoking(() => PasidMsr.Of(new Ioasid(1 << 20)))
            .Should().Throw<ArgumentOutOfRangeException>().WithParameterName("pasid").WithMessage("*give one below 1048576*Actual value was 1048576*");
        PasidMsr.Of(new Ioasid((1 << 20) - 1)).Pasid.Should().Be(new Ioasid((1 << 20) - 1));
    }

    [Fact]
    public void Commands_that_are_alike_are_equal()
    {
        using var host = new Host();
        var portal = new SpyPortal();
        (_, SvmThread thread) = Process(host, portal);
        thread.Enqcmds(Portal, Bytes(head: 1), CpuPrivilege.Supervisor);
        thread.Enqcmds(Portal, Bytes(head: 1), CpuPrivilege.Supervisor);
        thread.Enqcmds(Portal, Bytes(head: 2), CpuPrivilege.Supervisor);

        (portal.Commands[0] == portal.Commands[1]).Should().BeTrue();
        (portal.Commands[0] != portal.Commands[2]).Should().BeTrue();
        portal.Commands[0].Equals((object)portal.Commands[1]).Should().BeTrue();
        portal.Commands[0].Equals("text").Should().BeFalse();
        portal.Commands[0].GetHashCode().Should().Be(portal.Commands[1].GetHashCode());
    }

    [Fact]
    public void What_was_executed_is_counted()
    {
        using var host = new Host();
        var portal = new SpyPortal();
        (AddressSpace process, SvmThread thread) = Process(host, portal);
        thread.Enqcmd(Portal, Bytes());
        host.Bind(host.DeviceA, process, 1);
        thread.Enqcmd(Portal, Bytes());
        portal.IsFull = true;
        thread.Enqcmd(Portal, Bytes());
        thread.Enqcmd(0, Bytes());

        SvmStatistics statistics = host.Binder.GetStatistics();

        (statistics.Commands, statistics.Retries, statistics.InstructionFaults, statistics.Fixups).Should().Be((1, 1, 2, 1));
    }

    [Fact]
    public void A_register_with_the_pasid_of_another_is_found()
    {
        using var host = new Host { IsDamaged = true };
        (AddressSpace process, SvmThread thread) = Process(host, new SpyPortal());
        host.Bind(host.DeviceA, process, 1);
        thread.Load(PasidMsr.Of(new Ioasid(2)));

        host.Binder.CheckIntegrity().Should().ContainSingle().Which.Should().Be(new IntegrityFinding(
            IntegrityInvariant.RegistersAreOwn, "thread 'thread' of address space 'P', which has PASID 1, has 0x80000002 in its register"));
    }

    private static (AddressSpace Process, SvmThread Thread) Process(Host host, IEnqcmdPortal portal)
    {
        AddressSpace process = host.Process("P");
        process.Portals.Map(Portal, portal);
        return (process, process.CreateThread("thread"));
    }

    private static byte[] Bytes(uint head = 0)
    {
        byte[] bytes = new byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, head);
        return bytes;
    }
}

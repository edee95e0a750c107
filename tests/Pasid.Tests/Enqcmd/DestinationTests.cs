using System.Buffers.Binary;
using Pasid.Tests.Support;

namespace Pasid.Tests.Enqcmd;

/// <summary>Instructions to memory that is no portal, to addresses that are none, and to dedicated work queues.</summary>
public sealed class DestinationTests
{
    private const ulong Portal = 0x1000;
    private const ulong Memory = 0x40_0000;

    [Theory]
    [InlineData(Memory, EnqcmdOutcome.Retry)]
    [InlineData(Memory + 0xFC0, EnqcmdOutcome.Retry)]
    [InlineData(Memory + 0x1000, EnqcmdOutcome.PageFault)]
    [InlineData(Memory + 0x10_0000, EnqcmdOutcome.PageFault)]
    public void Enqcmd_to_memory_that_is_no_portal_is_dropped_and_to_be_tried_again(ulong destination, EnqcmdOutcome expected)
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host);
        var map = new AddressRegionMap();
        map.Add(new AddressRegion(Memory, 0x1000, PageRequestRights.Read | PageRequestRights.Write));
        map.Add(new AddressRegion(Memory + 0x10_0000, 0x1000, PageRequestRights.Read));
        process.FaultHandler = map;
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(destination, new byte[64]).Should().Be(new EnqcmdResult(expected, wasFixedUp: true));
        thread.Enqcmds(destination, new byte[64], CpuPrivilege.Supervisor).Should().Be(new EnqcmdResult(expected));

        host.Binder.GetStatistics().Commands.Should().Be(0);
        process.Users.Should().Be(1, "the users that instructions were are gone");
    }

    [Fact]
    public void Enqcmd_without_a_register_asks_nobody_for_a_page()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host);
        var handler = new SpyHandler();
        process.FaultHandler = handler;

        thread.Enqcmd(Memory, new byte[64]).Outcome.Should().Be(EnqcmdOutcome.GeneralProtection);

        handler.Accesses.Should().BeEmpty();
    }

    [Fact]
    public void Enqcmd_to_memory_asks_the_fault_handler_to_write_and_passes_on_what_it_throws()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host);
        var handler = new SpyHandler();
        process.FaultHandler = handler;
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(Memory, new byte[64]).Outcome.Should().Be(EnqcmdOutcome.Retry);
        handler.Accesses.Should().Equal((Memory, PageRequestRights.Write));
        handler.Answer = () => throw new TimeoutException();
        thread.Invoking(t => t.Enqcmd(Memory, new byte[64])).Should().Throw<TimeoutException>();
        handler.Answer = () => (FaultOutcome)4;
        thread.Invoking(t => t.Enqcmd(Memory, new byte[64])).Should().Throw<InvalidOperationException>().WithMessage("*address space 'P' answered 4*FaultOutcome*");
        process.Users.Should().Be(1);
    }

    [Theory]
    [InlineData(48, EnqcmdOutcome.GeneralProtection)]
    [InlineData(57, EnqcmdOutcome.PageFault)]
    public void An_address_that_is_not_canonical_is_a_fault_that_loads_the_register(int addressWidth, EnqcmdOutcome expected)
    {
        using var host = new Host(configure: options => options.AddressWidth = addressWidth);
        (AddressSpace process, SvmThread thread) = Process(host);
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmds(1ul << 47, new byte[64], CpuPrivilege.Supervisor).Should().Be(new EnqcmdResult(expected));
        thread.Enqcmd(1ul << 47, new byte[64]).Should().Be(new EnqcmdResult(expected, wasFixedUp: true));

        thread.Msr.Pasid.Should().Be(new Ioasid(1));
    }

    [Fact]
    public void A_kernel_that_disables_ENQCMD_loads_no_register_and_leaves_ENQCMDS_alone()
    {
        using var host = new Host(KernelProfile.Default with { Enqcmd = EnqcmdSupport.Disabled });
        (AddressSpace process, SvmThread thread) = Process(host);
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(Portal, new byte[64]).Should().Be(new EnqcmdResult(EnqcmdOutcome.GeneralProtection));
        thread.Enqcmds(Portal, new byte[64], CpuPrivilege.Supervisor).Should().Be(new EnqcmdResult(EnqcmdOutcome.Accepted));

        thread.Msr.Should().Be(default(PasidMsr));
    }

    [Fact]
    public void A_kernel_that_disables_ENQCMD_frees_as_on_a_cpu_without()
    {
        using var host = new Host(KernelProfile.Seed with { Enqcmd = EnqcmdSupport.Disabled });
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Unbind(host.DeviceA, 1);

        process.Exit();

        host.Binder.GetLeakedPasids().Should().Equal(new Ioasid(1));
    }

    [Fact]
    public void Profiles_say_what_their_kernels_do_for_ENQCMD()
    {
        KernelProfile.Default.Enqcmd.Should().Be(EnqcmdSupport.LoadedOnFault);
        KernelProfile.Seed.Enqcmd.Should().Be(EnqcmdSupport.LoadedOnFault);
        KernelProfile.Linux56.Enqcmd.Should().Be(EnqcmdSupport.Disabled);
        FluentActions.Invoking(() => new SvmBinder(new PasidOptions { Profile = KernelProfile.Default with { Enqcmd = (EnqcmdSupport)2 } }))
            .Should().Throw<ArgumentException>().WithMessage("*Profile.Enqcmd is 2: give a value of EnqcmdSupport.*");
    }

    [Fact]
    public void Movdir64B_to_a_dedicated_queue_carries_the_pasid_that_the_driver_programmed()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host);
        var dedicated = new SpyDedicatedPortal();
        process.Portals.Map(0x2000, dedicated);
        byte[] source = [.. Enumerable.Range(1, 64).Select(i => (byte)i)];

        thread.Movdir64B(0x2040, source).Should().Be(DirectStoreOutcome.Dropped, "no PASID is programmed");
        dedicated.Pasid = new Ioasid(0xABCDE);
        thread.Movdir64B(0x2040, source).Should().Be(DirectStoreOutcome.Written);

        byte[] bytes = new byte[64];
        dedicated.Commands.Should().ContainSingle().Which.CopyTo(bytes);
        BinaryPrimitives.ReadUInt32LittleEndian(bytes).Should().Be(0xABCDE);
        bytes[4..].Should().Equal(source[4..]);
        thread.Msr.Should().Be(default(PasidMsr));
        process.Users.Should().Be(1);
    }

    [Fact]
    public void Movdir64B_reaches_no_device_but_through_a_dedicated_portal()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host, out SpyPortal shared);
        process.FaultHandler = new SpyHandler();

        thread.Movdir64B(Portal, new byte[64]).Should().Be(DirectStoreOutcome.Dropped);
        thread.Movdir64B(Memory, new byte[64]).Should().Be(DirectStoreOutcome.Dropped);
        process.FaultHandler = null;
        thread.Movdir64B(Memory, new byte[64]).Should().Be(DirectStoreOutcome.PageFault);
        thread.Movdir64B(Portal + 32, new byte[64]).Should().Be(DirectStoreOutcome.GeneralProtection);
        thread.Movdir64B(1ul << 47, new byte[64]).Should().Be(DirectStoreOutcome.GeneralProtection);

        shared.Commands.Should().BeEmpty();
    }

    [Fact]
    public void A_fault_of_Movdir64B_loads_the_register_as_any_other_does()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host);
        host.Bind(host.DeviceA, process, 1);

        thread.Movdir64B(1, new byte[64]).Should().Be(DirectStoreOutcome.GeneralProtection);

        thread.Msr.Pasid.Should().Be(new Ioasid(1));
        host.Binder.GetStatistics().Fixups.Should().Be(1);
    }

    [Fact]
    public void Movdir64B_refuses_what_it_cannot_do()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host);
        process.Portals.Map(0x2000, new SpyDedicatedPortal { Pasid = new Ioasid(1 << 20) });

        thread.Invoking(t => t.Movdir64B(0x2000, new byte[63])).Should().Throw<ArgumentException>().WithMessage("A command has 64 bytes, and these are 63.*").WithParameterName("source");
        thread.Invoking(t => t.Movdir64B(0x2000, new byte[64])).Should().Throw<InvalidOperationException>().WithMessage("The portal 'dedicated' has PASID 1048576*below 1048576*");
        thread.Exit();
        thread.Invoking(t => t.Movdir64B(0x2000, new byte[64])).Should().Throw<InvalidOperationException>().WithMessage("The thread 'thread' has exited*");
    }

    [Fact]
    public void A_dedicated_portal_has_a_command_of_ENQCMD_tried_again()
    {
        using var host = new Host();
        (AddressSpace process, SvmThread thread) = Process(host);
        var dedicated = new SpyDedicatedPortal { Pasid = new Ioasid(1) };
        process.Portals.Map(0x2000, dedicated);
        host.Bind(host.DeviceA, process, 1);

        thread.Enqcmd(0x2000, new byte[64]).Outcome.Should().Be(EnqcmdOutcome.Retry);

        dedicated.Commands.Should().BeEmpty();
    }

    [Fact]
    public void A_command_can_be_made_of_what_a_program_wrote()
    {
        byte[] source = [.. Enumerable.Range(0, 64).Select(i => (byte)(255 - i))];

        var command = new EnqcmdCommand(source, new Ioasid(0xFFFFF), isPrivileged: true);

        (command.Pasid, command.IsPrivileged).Should().Be((new Ioasid(0xFFFFF), true));
        byte[] bytes = new byte[64];
        command.CopyTo(bytes);
        BinaryPrimitives.ReadUInt32LittleEndian(bytes).Should().Be(0x800FFFFF);
        bytes[4..].Should().Equal(source[4..]);
        FluentActions.Invoking(() => new EnqcmdCommand(new byte[65], default, isPrivileged: false)).Should().Throw<ArgumentException>().WithMessage("*64 bytes*65*").WithParameterName("source");
        FluentActions.Invoking(() => new EnqcmdCommand(source, new Ioasid(1 << 20), isPrivileged: false)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*below 1048576*").WithParameterName("pasid");
    }

    private static (AddressSpace Process, SvmThread Thread) Process(Host host) => Process(host, out _);

    private static (AddressSpace Process, SvmThread Thread) Process(Host host, out SpyPortal portal)
    {
        AddressSpace process = host.Process("P");
        process.Portals.Map(Portal, portal = new SpyPortal());
        return (process, process.CreateThread("thread"));
    }

    private sealed class SpyHandler : IAddressSpaceFaultHandler
    {
        public List<(ulong Address, PageRequestRights Rights)> Accesses { get; } = [];

        public Func<FaultOutcome> Answer { get; set; } = () => FaultOutcome.Handled;

        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
        {
            Accesses.Add((address, rights));
            return Answer();
        }
    }
}

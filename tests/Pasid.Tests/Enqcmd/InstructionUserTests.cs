using Pasid.Tests.Support;

namespace Pasid.Tests.Enqcmd;

/// <summary>A process does not exit under an instruction: a device never sees a command of one that has.</summary>
public sealed class InstructionUserTests : IDisposable
{
    private const ulong Shared = 0x1000;
    private const ulong Dedicated = 0x2000;
    private const ulong Memory = 0x3000;

    private readonly Host _host = new();
    private readonly AddressSpace _process;
    private readonly SvmThread _thread;
    private Action? _inside;

    public InstructionUserTests()
    {
        _process = _host.Process("P");
        _process.Portals.Map(Shared, new SpyPortal { Inside = () => _inside?.Invoke() });
        _process.Portals.Map(Dedicated, new SpyDedicatedPortal { Pasid = new Ioasid(1), Inside = () => _inside?.Invoke() });
        _process.FaultHandler = new Handler(() => _inside?.Invoke());
        _thread = _process.CreateThread("thread");
        _host.Bind(_host.DeviceA, _process, 1);
        _thread.Enqcmd(Shared, new byte[64]);
    }

    public static TheoryData<string> Instructions() => ["ENQCMD", "ENQCMDS", "MOVDIR64B", "ENQCMD to memory", "MOVDIR64B to memory"];

    public void Dispose() => _host.Dispose();

    [Theory]
    [MemberData(nameof(Instructions))]
    public void A_process_that_leaves_inside_an_instruction_exits_at_its_end(string instruction)
    {
        (long Users, bool HasExited, int Portals, int Entries) inside = default;
        _inside = () =>
        {
            _process.Exit();
            inside = (_process.Users, _process.HasExited, _process.Portals.Count, _host.Iommu0.Entries.Count());
        };

        Execute(instruction);

        inside.Should().Be((1, false, 2, 1));
        (_process.Users, _process.HasExited, _process.Portals.Count, _host.Iommu0.Entries.Count()).Should().Be((0, true, 0, 0));
        _thread.HasExited.Should().BeTrue();
    }

    [Theory]
    [MemberData(nameof(Instructions))]
    public void What_is_thrown_inside_an_instruction_leaves_no_user_behind(string instruction)
    {
        _inside = () => throw new TimeoutException();

        FluentActions.Invoking(() => Execute(instruction)).Should().Throw<TimeoutException>();

        _process.Users.Should().Be(1);
        _inside = () =>
        {
            _process.Exit();
            throw new TimeoutException();
        };
        FluentActions.Invoking(() => Execute(instruction)).Should().Throw<TimeoutException>();
        _process.HasExited.Should().BeTrue();
    }

    [Fact]
    public void What_an_IOMMU_throws_at_the_exit_is_passed_on_by_the_instruction()
    {
        _inside = () =>
        {
            _process.Exit();
            _host.Iommu0.Inside = member => throw new TimeoutException(member);
        };

        _thread.Invoking(thread => thread.Enqcmd(Shared, new byte[64])).Should().Throw<TimeoutException>().WithMessage(nameof(IIommu.TearDownPasidEntry));

        _host.Iommu0.Inside = null;
        _process.HasExited.Should().BeTrue();
    }

    [Fact]
    public void A_process_may_leave_inside_an_instruction_that_is_executed_inside_an_answer()
    {
        using var requests = new HostRequests(_host);
        AddressSpace other = _host.Process("other");
        other.FaultHandler = new Handler(() => _thread.Enqcmd(Shared, new byte[64]).Outcome.Should().Be(EnqcmdOutcome.Accepted));
        _host.Bind(_host.DeviceB, other, 2);
        _inside = () =>
        {
            var leaving = new Thread(_process.Exit);
            leaving.Start();
            leaving.Join();
        };
        requests.Queue.TryEnqueue(new PageRequest { Device = _host.DeviceB, Pasid = new Ioasid(2), IsLastInGroup = true });

        requests.Queue.Process();

        _process.HasExited.Should().BeTrue();
        _host.Iommu0.Entries.Should().Equal("devB/2=other");
    }

    [Fact]
    public void A_snapshot_inside_an_instruction_is_without_its_user()
    {
        PasidSnapshot before = _host.Binder.CaptureSnapshot();
        PasidSnapshot? inside = null;
        _inside = () => inside = _host.Binder.CaptureSnapshot();

        _thread.Enqcmd(Shared, new byte[64]);

        PasidSnapshot.FindDifference(before, inside!).Should().BeNull();
    }

    [Fact]
    public void A_snapshot_inside_an_instruction_has_its_user_if_it_is_the_last()
    {
        PasidSnapshot? inside = null;
        _inside = () =>
        {
            _process.Exit();
            inside = _host.Binder.CaptureSnapshot(new PasidSnapshotMap());
        };
        _thread.Enqcmd(Shared, new byte[64]);

        AddressSpace restored = _host.Binder.Restore(inside!, Map()).Should().ContainSingle().Subject;

        (restored.Users, restored.HasExited, restored.GetThreads().Count).Should().Be((1, false, 0));
        restored.DropUser();
        restored.HasExited.Should().BeTrue();
    }

    [Fact]
    public void A_restore_inside_an_instruction_has_forgotten_its_user()
    {
        PasidSnapshot before = _host.Binder.CaptureSnapshot();
        _inside = () => _host.Binder.Restore(before, Map());

        _thread.Enqcmd(Shared, new byte[64]).Outcome.Should().Be(EnqcmdOutcome.Accepted);

        _process.Users.Should().Be(1, "its thread");
        _process.Exit();
        _process.HasExited.Should().BeTrue();
    }

    [Fact]
    public void Enqcmd_of_an_address_space_with_as_many_users_as_can_be_counted_is_refused()
    {
        _process.UserCount.Set(own: 1, extra: int.MaxValue);

        _thread.Invoking(thread => thread.Enqcmd(Shared, new byte[64])).Should().Throw<PasidException>().Which.Status.Should().Be(PasidStatus.Overflow);

        _process.UserCount.Set(own: 1, extra: 0);
    }

    private PasidSnapshotMap Map()
    {
        var portals = new Dictionary<string, IEnqcmdPortal> { ["portal"] = new SpyPortal(), ["dedicated"] = new SpyDedicatedPortal() };
        return new() { FindDevice = _ => _host.DeviceA, FindAddressSpace = _ => _process, FindPortal = name => portals[name] };
    }

    private void Execute(string instruction)
    {
        byte[] source = new byte[64];
        switch (instruction)
        {
            case "ENQCMD":
                _thread.Enqcmd(Shared, source).Outcome.Should().Be(EnqcmdOutcome.Accepted);
                break;
            case "ENQCMDS":
                _thread.Enqcmds(Shared, source, CpuPrivilege.Supervisor).Outcome.Should().Be(EnqcmdOutcome.Accepted);
                break;
            case "MOVDIR64B":
                _thread.Movdir64B(Dedicated, source).Should().Be(DirectStoreOutcome.Written);
                break;
            case "ENQCMD to memory":
                _thread.Enqcmd(Memory, source).Outcome.Should().Be(EnqcmdOutcome.Retry);
                break;
            default:
                _thread.Movdir64B(Memory, source).Should().Be(DirectStoreOutcome.Dropped);
                break;
        }
    }

    private sealed class Handler(Action inside) : IAddressSpaceFaultHandler
    {
        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
        {
            inside();
            return FaultOutcome.Handled;
        }
    }
}

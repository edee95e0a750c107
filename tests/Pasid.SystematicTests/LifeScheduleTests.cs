using Pasid.SystematicTests.Support;

namespace Pasid.SystematicTests;

/// <summary>Every schedule of users, threads and page requests is explained by some order of the calls.</summary>
public sealed class LifeScheduleTests
{
    [Fact]
    public void Users_and_pins_beside_an_exit() =>
        Refute(
            KernelProfile.Default,
            [m => m.AddUser(), m => m.DropUser()],
            [m => m.Exit()],
            [m => m.AddPin(), m => m.DropPin()])
            .Should().BeNull();

    [Fact]
    public void A_user_that_comes_while_the_last_one_leaves() =>
        Refute(
            KernelProfile.Default,
            [m => m.AddUser(), m => m.Exit(), m => m.DropUser()],
            [m => m.AddUser()])
            .Should().BeNull();

    [Fact]
    public void A_thread_that_executes_beside_a_bind_and_an_exit() =>
        Schedules.Refute(
            () => new Machine(KernelProfile.Default, isBound: false),
            machine => machine.State(),
            [m => m.Enqcmd()],
            [m => m.Bind()],
            [m => m.Exit()])
            .Should().BeNull();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_that_is_answered_beside_the_last_unbind(bool drains) =>
        Refute(
            KernelProfile.Default with { Quirks = drains ? KernelQuirks.None : KernelQuirks.UnbindSkipsDrain },
            [m => m.Process()],
            [m => m.Unbind()])
            .Should().BeNull();

    [Fact]
    public void A_device_that_asks_beside_its_last_unbind() => AskBesideTheLastUnbind().Refute().Should().BeNull();

    /// <summary>Nothing waits, so that the drain is short.</summary>
    internal static Attack AskBesideTheLastUnbind() =>
        Attack.On(
            () =>
            {
                var machine = new Machine(KernelProfile.Default);
                machine.Process();
                return machine;
            },
            machine => machine.State(),
            [m => m.Ask()],
            [m => m.Unbind()]);

    [Fact]
    public void Two_that_answer_and_one_that_asks() =>
        Refute(
            KernelProfile.Default,
            [m => m.Process()],
            [m => m.Process()],
            [m => m.Ask()])
            .Should().BeNull();

    [Fact]
    public void A_portal_that_is_mapped_beside_an_exit_is_not_left_behind() =>
        Refute(
            KernelProfile.Default,
            [m => m.Map()],
            [m => m.Exit()])
            .Should().BeNull();

    [Fact]
    public void A_thread_that_replaces_its_program_beside_its_own_exit_and_that_of_its_process() =>
        Refute(
            KernelProfile.Default,
            [m => m.Exec()],
            [m => m.ExitThread()],
            [m => m.Exit()])
            .Should().BeNull();

    [Fact]
    public void Threads_that_come_and_go_beside_two_exits() =>
        Refute(
            KernelProfile.Default,
            [m => m.CreateThread(), m => m.ExitThread()],
            [m => m.Exit()],
            [m => m.Exit()])
            .Should().BeNull();

    [Fact]
    public void The_last_pin_beside_the_last_unbind_and_an_exit() =>
        Refute(
            KernelProfile.Default,
            [m => m.AddPin(), m => m.DropPin()],
            [m => m.Unbind()],
            [m => m.Exit()])
            .Should().BeNull();

    [Fact]
    public void A_portal_that_goes_beside_a_thread_that_executes_and_an_exit() =>
        Refute(
            KernelProfile.Default,
            [m => m.Unmap()],
            [m => m.Enqcmd()],
            [m => m.Exit()])
            .Should().BeNull();

    [Theory]
    [InlineData(KernelQuirks.None)]
    [InlineData(KernelQuirks.ForkCopiesPasid)]
    public void A_fork_beside_a_bind_and_an_exit(KernelQuirks quirks) =>
        Schedules.Refute(
            () => new Machine(KernelProfile.Default with { Quirks = quirks }, isBound: false),
            machine => machine.State(),
            [m => m.Fork()],
            [m => m.Bind()],
            [m => m.Exit()])
            .Should().BeNull();

    [Fact]
    public void A_snapshot_beside_one_that_asks_and_one_that_answers() =>
        Refute(
            KernelProfile.Default,
            [m => m.Capture()],
            [m => m.Ask()],
            [m => m.Process()])
            .Should().BeNull();

    [Fact]
    public void Two_who_drop_the_last_user() => TwoWhoDropTheLastUser().Refute().Should().BeNull();

    internal static Attack TwoWhoDropTheLastUser() =>
        Attack.On(
            () =>
            {
                var machine = new Machine(KernelProfile.Default);
                machine.AddUser();
                machine.Exit();
                return machine;
            },
            machine => machine.State(),
            [m => m.DropUser()],
            [m => m.DropUser()]);

    [Fact]
    public void A_capture_beside_an_answer() => CaptureBesideAnAnswer().Refute().Should().BeNull();

    internal static Attack CaptureBesideAnAnswer() =>
        Attack.On(() => new Machine(KernelProfile.Default), machine => machine.State(), [m => m.Capture()], [m => m.Process()]);

    [Fact]
    public void A_restore_beside_an_answer() => RestoreBesideAnAnswer().Refute().Should().BeNull();

    internal static Attack RestoreBesideAnAnswer() =>
        Attack.On(() => new Machine(KernelProfile.Default), machine => machine.State(), [m => m.Restore()], [m => m.Process()]);

    [Fact]
    public void A_restore_beside_what_takes_no_gate() =>
        Refute(
            KernelProfile.Default,
            [m => m.Restore()],
            [m => m.AddUser(), m => m.Map(), m => m.Ask()])
            .Should().BeNull();

    [Fact]
    public void A_capture_beside_what_takes_no_gate() =>
        Refute(
            KernelProfile.Default,
            [m => m.Capture()],
            [m => m.AddUser(), m => m.Map(), m => m.Ask()])
            .Should().BeNull();

    [Fact]
    public void An_unbind_that_drains_beside_a_bind_and_an_exit() =>
        Refute(
            KernelProfile.Default,
            [m => m.Unbind()],
            [m => m.Bind()],
            [m => m.Exit()])
            .Should().BeNull();

    [Fact]
    public void Two_unbinds_that_drain_beside_one_that_answers() =>
        Refute(
            KernelProfile.Default,
            [m => m.Unbind()],
            [m => m.Unbind()],
            [m => m.Process()])
            .Should().BeNull();

    [Fact]
    public void An_unbind_that_drains_beside_a_capture_and_a_restore() =>
        Refute(
            KernelProfile.Default,
            [m => m.Unbind()],
            [m => m.Capture()],
            [m => m.Restore()])
            .Should().BeNull();

    /// <summary>No thread executes both at once, so the command may end anyhow; but the number of the one must not come to the other.</summary>
    [Fact]
    public void A_thread_whose_program_is_replaced_beside_its_own_command_has_no_pasid_of_before() =>
        Refute(
            KernelProfile.Default,
            [m => m.Exec()],
            [m => $"{m.Enqcmd().Length != 0}"])
            .Should().BeNull();

    [Fact]
    public void A_thread_that_is_cloned_beside_its_exit() =>
        Refute(
            KernelProfile.Default,
            [m => m.ExitThread()],
            [m => m.CloneThread()])
            .Should().BeNull();

    [Fact]
    public void A_handler_that_processes_another_queue_beside_one_there_that_processes_this_one() =>
        Schedules.Refute(
            () => new Machine(KernelProfile.Default, nests: true),
            machine => machine.State(),
            [m => m.Process()],
            [m => m.ProcessOther()])
            .Should().BeNull();

    public static TheoryData<string> Calls() =>
    [
        nameof(Machine.AddUser), nameof(Machine.DropUser), nameof(Machine.Map), nameof(Machine.Exec), nameof(Machine.ExitThread), nameof(Machine.CreateThread),
        nameof(Machine.AddPin), nameof(Machine.Enqcmd), nameof(Machine.Process), nameof(Machine.Ask), nameof(Machine.DisposeQueue), nameof(Machine.Capture),
    ];

    [Theory]
    [MemberData(nameof(Calls))]
    public void Dispose_beside_everything(string call)
    {
        System.Reflection.MethodInfo method = typeof(Machine).GetMethod(call)!;
        Refute(
            KernelProfile.Default,
            [m => m.DisposeBinder()],
            [method.CreateDelegate<Func<Machine, string>>()])
            .Should().BeNull();
    }

    private static string? Refute(KernelProfile profile, params Func<Machine, string>[][] threads) =>
        Schedules.Refute(() => new Machine(profile), machine => machine.State(), threads);

    /// <summary>A bound process with a thread, a portal and a request that waits. What the answers of the requests are depends on when
    /// they are given, and belongs to the end.</summary>
    private sealed class Machine : IEnqcmdPortal, IPageResponder, IAddressSpaceFaultHandler, IDisposable
    {
        private readonly SvmBinder _binder;
        private readonly SvmDevice _device = new("device", new Iommu("iommu"));
        private readonly AddressSpace _space;
        private readonly SvmThread _thread;
        private readonly PageRequestQueue _queue;
        private readonly PageRequestQueue? _other;
        private readonly PasidSnapshot _first;
        private readonly List<string> _responses = [];

        /// <summary>Makes the machine.</summary>
        /// <param name="profile">Its kernel.</param>
        /// <param name="isBound">Whether the process is bound, and a request waits.</param>
        /// <param name="nests">Whether there is another queue, with a request too, and the handler processes both.</param>
        public Machine(KernelProfile profile, bool isBound = true, bool nests = false)
        {
            _binder = new SvmBinder(new PasidOptions { Profile = profile });
            _queue = new PageRequestQueue(_binder, _device.Iommu!, this, new PageRequestQueueOptions { Capacity = 4 });
            _space = _binder.CreateAddressSpace("space");
            _space.FaultHandler = this;
            _space.Portals.Map(0, this);
            _thread = _space.CreateThread("thread");
            if (isBound)
            {
                Bind();
                _queue.TryEnqueue(Request(1));
            }

            if (nests)
            {
                var far = new SvmDevice("far", new Iommu("other"));
                _other = new PageRequestQueue(_binder, far.Iommu!, this, new PageRequestQueueOptions { Capacity = 4, HardwareAnswers = false });
                _other.TryEnqueue(Request(3) with { Device = far });
            }

            _first = _binder.CaptureSnapshot();
        }

        public string Name => "portal";

        public string AddUser() => $"{_space.TryAddUser()}";

        public string DropUser() => Guard(() =>
        {
            _space.DropUser();
            return "dropped";
        });

        public string Exit()
        {
            _space.Exit();
            return "exited";
        }

        public string Map() => Guard(() =>
        {
            _space.Portals.Map(PortalMap.PageLength, this);
            return "mapped";
        });

        public string Exec() => Guard(() =>
        {
            _thread.Exec("next");
            return "replaced";
        });

        public string ExitThread()
        {
            _thread.Exit();
            return "thread exited";
        }

        public string CloneThread() => Guard(() => $"{_thread.Clone("clone")}");

        public string CreateThread() => Guard(() => $"{_space.CreateThread("another")}");

        public string Unmap() => $"{_space.Portals.Unmap(0)}";

        public string Fork() => Guard(() => $"{_space.Fork("child").Pasid}");

        public string AddPin() => Guard(() =>
        {
            _space.AddPin();
            return "pinned";
        });

        public string DropPin() => Guard(() =>
        {
            _space.DropPin();
            return "unpinned";
        });

        public string Capture() => Guard(() =>
        {
            PasidSnapshot snapshot = _binder.CaptureSnapshot();
            IEnumerable<string> queues = snapshot.File.Queues!.Select(queue => string.Join(' ', queue.Requests.Select(request => request.GroupIndex)));
            IEnumerable<string> spaces = snapshot.File.AddressSpaces.Select(space => $"{space.Name} {space.Pasid} {space.HasLeft} {space.ExtraUsers} {space.Portals?.Count}");
            return $"{string.Join("; ", queues)} | {string.Join("; ", spaces)} | {snapshot.BindingCount} {snapshot.LiveCount}";
        });

        public string Restore() => Guard(() =>
        {
            _binder.Restore(_first, new PasidSnapshotMap { FindDevice = _ => _device, FindAddressSpace = _ => _space, FindPortal = _ => this });
            return "restored";
        });

        public string DisposeQueue() => Guard(() =>
        {
            _queue.Dispose();
            return "disposed";
        });

        public string DisposeBinder()
        {
            _binder.Dispose();
            return "disposed";
        }

        public string Bind() => $"{_binder.BindMm(_device, _space, out Ioasid pasid)} {pasid}";

        public string Unbind() => $"{_binder.UnbindMm(_device, new Ioasid(1))}";

        public string Enqcmd() => Guard(() => $"{_thread.Enqcmd(0, new byte[64])}");

        public string Process() => Guard(() =>
        {
            // How many a call handles depends on who came first, which an order of whole calls explains only in sum.
            _queue.Process();
            return "processed";
        });

        public string ProcessOther() => Guard(() =>
        {
            _other!.Process();
            return "processed";
        });

        public string Ask() => $"{_queue.TryEnqueue(Request(2))}";

        public bool Submit(in EnqcmdCommand command) => true;

        public void Respond(in PageResponse response)
        {
            lock (_responses)
            {
                _responses.Add($"{response.GroupIndex} {response.Code}");
            }
        }

        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
        {
            if (_other is not null)
            {
                // Whichever of them this thread is answering refuses it.
                Process();
                ProcessOther();
            }

            return FaultOutcome.Handled;
        }

        public string State()
        {
            IntegrityFinding? finding = _binder.CheckIntegrity().FirstOrDefault(f => f.Quirk == KernelQuirks.None);
            if (finding is not null)
            {
                throw new InvalidOperationException(finding.ToString());
            }

            Process();
            _other?.Process();
            return $"users {_space.Users} pins {_space.Pins} {_space.HasExited} {_space.IsDestroyed} portals {_space.Portals.Count} thread {_thread.HasExited} live {string.Join(' ', _binder.Allocator.LiveIds())} responses {string.Join(", ", _responses.Order(StringComparer.Ordinal))}";
        }

        public void Dispose()
        {
            _other?.Dispose();
            _queue.Dispose();
            _binder.Dispose();
        }

        private PageRequest Request(int group) => new() { Device = _device, Pasid = new Ioasid(1), GroupIndex = group, Rights = PageRequestRights.Read, IsLastInGroup = true };

        private static string Guard(Func<string> call)
        {
            try
            {
                return call();
            }
            catch (InvalidOperationException)
            {
                return "refused";
            }
        }
    }
}

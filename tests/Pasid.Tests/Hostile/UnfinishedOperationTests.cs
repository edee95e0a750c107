using Pasid.Tests.Support;

namespace Pasid.Tests.Hostile;

/// <summary>What began goes to its end, whatever handlers, allocators, interrupts and IOMMUs do meanwhile.</summary>
public sealed class UnfinishedOperationTests
{
    [Fact]
    public void Unbind_whose_handler_drops_a_user_too_many_goes_to_its_end()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler(space => space.DropUser());
        host.Bind(host.DeviceA, process, 1);
        requests.Queue.TryEnqueue(Request(host.DeviceA, 1));

        host.Binder.Invoking(b => b.UnbindMm(host.DeviceA, new Ioasid(1))).Should().Throw<InvalidOperationException>().WithMessage("Nobody uses the address space 'P'*");

        host.ShouldBeWhole();
        host.Binder.GetBindings().Should().BeEmpty();
        host.Iommu0.Entries.Should().BeEmpty();
        requests.Responses.Should().ContainSingle();
        process.Exit();
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Unbind_over_an_allocator_whose_lookup_throws_goes_to_its_end()
    {
        var allocator = new ThrowingAllocator();
        using var binder = new SvmBinder(allocator);
        var device = new SvmDevice("device", new Iommu("iommu"));
        using var queue = new PageRequestQueue(binder, device.Iommu!, new Silent());
        AddressSpace process = binder.CreateAddressSpace("P");
        SvmBinding binding = binder.Bind(device, process);
        queue.TryEnqueue(Request(device, 1));
        allocator.ThrowsAfter = 1;

        binding.Invoking(b => b.Dispose()).Should().Throw<TimeoutException>();

        allocator.ThrowsAfter = int.MaxValue;
        binder.CheckIntegrity().Should().BeEmpty();
        binder.GetBindings().Should().BeEmpty();
        process.Exit();
        allocator.LiveCount.Should().Be(0);
    }

    [Fact]
    public void Unbind_that_waits_for_a_handler_is_not_interrupted()
    {
        using var answering = new AnsweringHost();
        Host host = answering.Host;
        using ManualResetEventSlim isTornDown = TornDown(host.Iommu0);
        PasidStatus? status = null;
        bool isInterruptedAfterwards = false;
        var unbind = new Thread(() =>
        {
            status = host.Binder.UnbindMm(host.DeviceA, new Ioasid(1));
            isInterruptedAfterwards = IsInterrupted();
        });
        unbind.Start();
        isTornDown.Wait();

        unbind.Interrupt();
        host.Binder.GetBindings().Should().ContainSingle("the device is unbound when its request is answered, and not before");
        answering.Finish(unbind);

        status.Should().Be(PasidStatus.Success);
        isInterruptedAfterwards.Should().BeTrue("the interrupt belongs to the next wait");
        host.ShouldBeWhole();
        host.Binder.GetBindings().Should().BeEmpty();
        answering.Process.Exit();
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Unbind_of_another_process_waits_for_no_handler_and_binds_go_on_while_one_waits()
    {
        using var answering = new AnsweringHost();
        Host host = answering.Host;
        AddressSpace idle = host.Process("Q");
        host.Bind(host.DeviceB, idle, 2);

        host.Unbind(host.DeviceB, 2);

        using ManualResetEventSlim isTornDown = TornDown(host.Iommu0);
        var unbind = new Thread(() => host.Unbind(host.DeviceA, 1));
        unbind.Start();
        isTornDown.Wait();
        host.Binder.GetStatistics().Bindings.Should().Be(1);
        host.Bind(host.DeviceB, idle, 2);
        host.Bind(host.DeviceFar, answering.Process, 1);
        host.Unbind(host.DeviceB, 2);
        answering.Finish(unbind);
        host.Binder.GetBindings().Single().Devices.Single().Device.Should().Be(host.DeviceFar);
        host.ShouldBeWhole();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bind_and_unbind_of_a_device_that_drains_wait_until_it_is_unbound(bool isBind)
    {
        PasidStatus? unbound = null;
        using var answering = new AnsweringHost(a => unbound = a.Host.Binder.UnbindMm(a.Host.DeviceA, new Ioasid(1)));
        Host host = answering.Host;

        Task<PasidStatus> next = Task.Run(() => isBind ? host.Binder.BindMm(host.DeviceA, answering.Process, out _) : host.Binder.UnbindMm(host.DeviceA, new Ioasid(1)));
        answering.Finish();

        (await next).Should().Be(isBind ? PasidStatus.Success : PasidStatus.InvalidArgument);
        unbound.Should().Be(PasidStatus.Success);
        host.Iommu0.Entries.Should().Equal(isBind ? ["devA/1=P"] : []);
        host.Iommu0.Violations.Should().BeEmpty();
        host.ShouldBeWhole();
    }

    [Fact]
    public void Dispose_while_a_device_drains_unbinds_everything_and_the_unbind_ends()
    {
        using var answering = new AnsweringHost(a => a.Host.Unbind(a.Host.DeviceA, 1));

        answering.Host.Binder.Dispose();

        answering.Host.Live().Should().BeEmpty();
        answering.Finish();
        answering.Host.Live().Should().BeEmpty();
        answering.Host.Binder.GetStatistics().Unbinds.Should().Be(1);
    }

    [Fact]
    public void Unbind_that_waits_for_a_custom_allocator_is_not_interrupted_and_frees_its_pasid()
    {
        using var functions = new BlockingFunctions();
        var allocator = new IoasidAllocator();
        allocator.Register(new CustomIoasidAllocator("custom", functions)).Should().Be(PasidStatus.Success);
        using var binder = new SvmBinder(allocator);
        var device = new SvmDevice("device", new Iommu("iommu"));
        AddressSpace process = binder.CreateAddressSpace("P");
        binder.BindMm(device, process, SvmBindFlags.Private, callbacks: null, out Ioasid pasid).Should().Be(PasidStatus.Success);
        functions.Blocks = true;
        var allocation = new Thread(() => allocator.TryAllocate(IoasidRange.Pasids, null, null, out _));
        allocation.Start();
        functions.IsInside.Wait();
        PasidStatus? status = null;
        var unbind = new Thread(() => status = binder.UnbindMm(device, pasid));
        unbind.Start();
        WaitUntil(() => unbind.ThreadState.HasFlag(ThreadState.WaitSleepJoin));

        unbind.Interrupt();
        functions.GoOn.Set();
        allocation.Join();
        unbind.Join();

        status.Should().Be(PasidStatus.Success);
        binder.CheckIntegrity().Should().BeEmpty();
        allocator.LiveIds().Should().Equal([new Ioasid(2)], "that is what the other thread allocated");
    }

    [Fact]
    public void Process_whose_last_users_cannot_be_torn_down_has_all_of_them_exit()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        AddressSpace[] processes = [host.Process("P"), host.Process("Q")];
        for (uint i = 0; i < 2; i++)
        {
            processes[i].FaultHandler = new Handler(space => space.Exit());
            host.Bind(host.DeviceA, processes[i], i + 1);
            requests.Queue.TryEnqueue(Request(host.DeviceA, i + 1));
        }

        // A handler may not call the binder, so the processes leave before their requests are answered.
        Array.ForEach(processes, process => process.TryAddUser());
        Array.ForEach(processes, process => process.Exit());
        Array.ForEach(processes, process => process.FaultHandler = new Handler(space => space.DropUser()));
        host.Iommu0.Inside = member => throw new TimeoutException(member);

        requests.Queue.Invoking(q => q.Process()).Should().Throw<TimeoutException>();

        host.Iommu0.Inside = null;
        processes.Should().OnlyContain(process => process.HasExited);
        requests.Responses.Should().HaveCount(2);
        host.Unbind(host.DeviceA, 1);
        host.Unbind(host.DeviceA, 2);
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Dispose_of_a_handle_whose_flush_throws_is_over_and_takes_no_other_bind_away()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmBinding first = host.Binder.Bind(host.DeviceA, process);
        host.Iommu0.Inside = member =>
        {
            if (member == nameof(IIommu.Flush))
            {
                throw new TimeoutException();
            }
        };
        first.Invoking(b => b.Dispose()).Should().Throw<TimeoutException>();
        host.Iommu0.Inside = null;
        using SvmBinding second = host.Binder.Bind(host.DeviceA, process);
        using SvmBinding third = host.Binder.Bind(host.DeviceA, process);

        first.Dispose();

        host.Binder.GetBindings().Single().Devices.Single().Users.Should().Be(2);
    }

    [Fact]
    public void Dispose_of_a_handle_whose_tear_down_throws_can_be_repeated()
    {
        using var host = new Host();
        SvmBinding binding = host.Binder.Bind(host.DeviceA, host.Process("P"));
        host.Iommu0.Inside = _ => throw new TimeoutException();
        binding.Invoking(b => b.Dispose()).Should().Throw<TimeoutException>();
        host.Iommu0.Inside = null;

        binding.Dispose();

        host.Binder.GetBindings().Should().BeEmpty();
    }

    /// <summary>Most waits are for gates that are held for a moment: what an interrupt would end there is in the middle of something.</summary>
    [Fact]
    public void Interrupts_at_any_moment_end_no_call_and_leave_a_whole_host()
    {
        using var binder = new SvmBinder();
        var device = new SvmDevice("device", new Iommu("iommu"));
        var other = new SvmDevice("other", device.Iommu);
        using var queue = new PageRequestQueue(binder, device.Iommu!, new Silent(), new PageRequestQueueOptions { Capacity = 16 });
        AddressSpace process = binder.CreateAddressSpace("P");
        var regions = new AddressRegionMap();
        regions.Add(new AddressRegion(0, 4096, PageRequestRights.Read));
        process.FaultHandler = regions;
        using SvmBinding binding = binder.Bind(other, process);
        process.CreateThread("main");
        bool isOver = false;
        var thrown = new System.Collections.Concurrent.ConcurrentBag<Exception>();
        Thread[] threads =
        [
            Repeat(() =>
            {
                binder.BindMm(device, process, out Ioasid pasid);
                binder.UnbindMm(device, pasid);
            }),
            Repeat(() => queue.TryEnqueue(Request(other, 1))),
            Repeat(() => queue.Process()),
            Repeat(() => process.CreateThread("thread").Exit()),
            Repeat(() => regions.Handle(process, 0, PageRequestRights.Read)),
            Repeat(() => binder.CaptureSnapshot()),
        ];
        Array.ForEach(threads, thread => thread.Start());
        for (int i = 0; i < Effort.Rounds(20_000); i++)
        {
            threads[i % threads.Length].Interrupt();
            Thread.SpinWait(i % 200);
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(threads, thread => thread.Join());

        thrown.Should().BeEmpty();
        queue.Process();
        queue.GetStatistics().InvalidRequests.Should().Be(0, "the page is mapped");
        process.Users.Should().Be(1);
        binder.CheckIntegrity().Should().BeEmpty();

        Thread Repeat(Action action) => new(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                try
                {
                    action();
                }
                catch (Exception exception)
                {
                    thrown.Add(exception);
                    return;
                }
            }
        });
    }

    /// <summary>The stack of the thread has room for a few hundred calls inside each other.</summary>
    [Fact]
    public void A_bind_that_waits_beside_many_drains_needs_no_more_stack()
    {
        using var answering = new AnsweringHost(a => a.Host.Unbind(a.Host.DeviceA, 1));
        Host host = answering.Host;
        AddressSpace other = host.Process("Q");
        PasidStatus? status = null;
        var bind = new Thread(() => status = host.Binder.BindMm(host.DeviceA, answering.Process, out _), maxStackSize: 128 * 1024);
        bind.Start();
        for (int i = 0; i < Effort.Rounds(2_000); i++)
        {
            host.Bind(host.DeviceB, other, 2);
            host.Unbind(host.DeviceB, 2);
            host.Events.Clear();
        }

        answering.Finish(bind);

        status.Should().Be(PasidStatus.Success);
    }

    private static PageRequest Request(SvmDevice device, uint pasid) => new() { Device = device, Pasid = new Ioasid(pasid), Rights = PageRequestRights.Read, IsLastInGroup = true };

    /// <summary>Makes an event that tells that an entry is torn down; what comes then is the drain.</summary>
    private static ManualResetEventSlim TornDown(FakeIommu iommu)
    {
        var isTornDown = new ManualResetEventSlim();
        iommu.Inside = member =>
        {
            if (member == nameof(IIommu.TearDownPasidEntry))
            {
                isTornDown.Set();
            }
        };
        return isTornDown;
    }

    private static void WaitUntil(Func<bool> condition)
    {
        var spinner = default(SpinWait);
        while (!condition())
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    private static bool IsInterrupted()
    {
        try
        {
            Thread.Sleep(1);
            return false;
        }
        catch (ThreadInterruptedException)
        {
            return true;
        }
    }

    private sealed class Handler(Action<AddressSpace> handle) : IAddressSpaceFaultHandler
    {
        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
        {
            handle(addressSpace);
            return FaultOutcome.Handled;
        }
    }

    private sealed class Silent : IPageResponder
    {
        public void Respond(in PageResponse response)
        {
        }
    }

    private sealed class BlockingFunctions : ICustomIoasidFunctions, IDisposable
    {
        private uint _next;

        public ManualResetEventSlim IsInside { get; } = new();

        public ManualResetEventSlim GoOn { get; } = new();

        public bool Blocks { get; set; }

        public Ioasid Allocate(IoasidRange range, object? privateData)
        {
            if (Blocks)
            {
                IsInside.Set();
                GoOn.Wait();
            }

            return new Ioasid(++_next);
        }

        public void Free(Ioasid id, object? privateData)
        {
        }

        public void Dispose()
        {
            IsInside.Dispose();
            GoOn.Dispose();
        }
    }

    /// <summary>An allocator of somebody's own, whose lookups begin to throw.</summary>
    private sealed class ThrowingAllocator : IIoasidAllocator
    {
        private readonly IoasidAllocator _inner = new();

        /// <summary>Gets or sets how many lookups are answered until one throws.</summary>
        public int ThrowsAfter { get; set; } = int.MaxValue;

        public long LiveCount => _inner.LiveCount;

        public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id) => _inner.TryAllocate(range, ioasidSet, data, out id);

        public PasidStatus Free(Ioasid id) => _inner.Free(id);

        public PasidStatus AddReference(Ioasid id) => _inner.AddReference(id);

        public IoasidRelease DropReference(Ioasid id) => _inner.DropReference(id);

        public PasidStatus SetData(Ioasid id, object? data) => _inner.SetData(id, data);

        public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data) =>
            ThrowsAfter-- > 0 ? _inner.Lookup(id, ioasidSet, predicate, out data) : throw new TimeoutException();

        public bool TryFindLive(Ioasid from, out Ioasid id) => _inner.TryFindLive(from, out id);
    }
}

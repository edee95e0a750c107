using Pasid.Tests.Support;

namespace Pasid.Tests.PageRequests;

/// <summary>Whose turn it is to answer: handlers that come back, that process other queues, and threads that meet.</summary>
public sealed class AnsweringTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_handler_that_processed_another_queue_is_still_refused_by_its_binder(bool isOfAnotherHost)
    {
        using var host = new Host();
        using var other = new Host();
        using var requests = new HostRequests(host);
        using var nested = isOfAnotherHost ? new HostRequests(other) : new HostRequests(host, iommu: host.Iommu1);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, host.Process("V"), 2);
        process.FaultHandler = new Handler(() =>
        {
            nested.Queue.Process();
            host.Binder.UnbindMm(host.DeviceA, new Ioasid(2));
        });
        requests.Queue.TryEnqueue(Request(host.DeviceA, 1));

        requests.Queue.Invoking(q => q.Process()).Should().Throw<InvalidOperationException>().WithMessage("The binder was changed from inside one of its own callbacks*");

        host.Binder.GetBindings().Should().HaveCount(2);
        requests.Responses.Single().Code.Should().Be(PageResponseCode.InvalidRequest);
    }

    [Fact]
    public void A_handler_may_call_another_host()
    {
        using var host = new Host();
        using var other = new Host();
        using var requests = new HostRequests(host);
        using var nested = new HostRequests(other);
        AddressSpace process = host.Process("P");
        AddressSpace elsewhere = other.Process("Q");
        host.Bind(host.DeviceA, process, 1);
        process.FaultHandler = new Handler(() =>
        {
            other.Bind(other.DeviceA, elsewhere, 1);
            nested.Ask(other.DeviceA, 1, 0);
            other.Unbind(other.DeviceA, 1);
        });

        requests.Ask(host.DeviceA, 1, 0).Should().Be(PageResponseCode.Success);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Handlers_that_process_each_others_queues_at_once_wait_for_each_other_no_more(bool areOfTwoHosts)
    {
        using var host = new Host();
        using Host? second = areOfTwoHosts ? new Host() : null;
        Host other = second ?? host;
        using var queue = new HostRequests(host);
        using var otherQueue = new HostRequests(other, iommu: other.Iommu1);
        using var areInside = new Barrier(2);
        AddressSpace process = host.Process("P");
        AddressSpace elsewhere = other.Process("Q");
        host.Bind(host.DeviceA, process, 1);
        other.Binder.BindMm(other.DeviceFar, elsewhere, out Ioasid otherPasid).Should().Be(PasidStatus.Success);
        process.FaultHandler = new Handler(() => Meet(otherQueue));
        elsewhere.FaultHandler = new Handler(() => Meet(queue));
        queue.Queue.TryEnqueue(Request(host.DeviceA, 1));
        otherQueue.Queue.TryEnqueue(Request(other.DeviceFar, otherPasid.Value));

        Thread[] threads = [new(() => queue.Queue.Process()), new(() => otherQueue.Queue.Process())];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());

        queue.Responses.Should().ContainSingle();
        otherQueue.Responses.Should().ContainSingle();

        void Meet(HostRequests requests)
        {
            areInside.SignalAndWait();
            requests.Queue.Process();
        }
    }

    [Fact]
    public void Process_waits_for_what_another_thread_is_answering()
    {
        using var answering = new AnsweringHost();
        int responses = -1;
        var second = new Thread(() =>
        {
            answering.Requests.Queue.Process().Should().Be(0);
            responses = answering.Requests.Responses.Count;
        });
        second.Start();

        answering.Finish(second);

        responses.Should().Be(1, "when Process returns, all is answered that was there when it was called");
    }

    [Fact]
    public void A_request_that_a_thread_leaves_to_the_one_who_answers_is_answered()
    {
        using var answering = new AnsweringHost(a => a.Host.Unbind(a.Host.DeviceA, 1));
        Host host = answering.Host;
        PageRequestQueue queue = answering.Requests.Queue;
        using var outer = new HostRequests(host, iommu: host.Iommu1);
        AddressSpace nesting = host.Process("Q");
        nesting.FaultHandler = new Handler(() =>
        {
            queue.TryEnqueue(Request(host.DeviceB, 1));
            queue.Process().Should().Be(0, "another thread is answering there");
        });
        host.Bind(host.DeviceFar, nesting, 2);

        outer.Ask(host.DeviceFar, 2, 0).Should().Be(PageResponseCode.Success);
        answering.Finish();

        answering.Requests.Responses.Select(response => response.Device.Name).Should().Equal("devA", "devB");
        queue.Tail.Should().Be(queue.Head);
    }

    [Fact]
    public void A_queue_that_stands_still_for_a_capture_is_processed_once_the_handler_that_asked_has_returned()
    {
        using var host = new Host();
        using var still = new HostRequests(host, iommu: host.Iommu1);
        using var busy = new HostRequests(host);
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler(() =>
        {
            isInside.Set();
            goOn.Wait();

            // Whether the capture has the first queue stand still by now or not: neither may wait for the other.
            still.Queue.Process();
        });
        host.Bind(host.DeviceA, process, 1);
        busy.Queue.TryEnqueue(Request(host.DeviceA, 1));
        still.Queue.TryEnqueue(Request(host.DeviceFar, 9));
        var answer = new Thread(() => busy.Queue.Process());
        answer.Start();
        isInside.Wait();
        PasidSnapshot? snapshot = null;
        var capture = new Thread(() => snapshot = host.Binder.CaptureSnapshot());
        capture.Start();
        SpinUntilWaiting(capture);

        goOn.Set();
        answer.Join();
        capture.Join();

        still.Responses.Should().ContainSingle();
        busy.Responses.Should().ContainSingle();
        snapshot!.PageRequestCount.Should().BeLessThanOrEqualTo(1);
        host.ShouldBeWhole();
    }

    [Fact]
    public void Process_from_inside_a_callback_of_the_binder_is_refused()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        requests.Queue.TryEnqueue(Request(host.DeviceA, 1));
        host.Iommu0.Inside = _ => requests.Queue.Process();

        host.Binder.Invoking(b => b.BindMm(host.DeviceA, host.Process("P"), out _)).Should().Throw<InvalidOperationException>().WithMessage("The binder was changed from inside one of its own callbacks*");

        host.Iommu0.Inside = null;
        requests.Responses.Should().BeEmpty();
        host.Binder.GetBindings().Should().BeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dispose_of_a_queue_waits_for_the_request_that_is_being_answered_and_leaves_the_others(bool isDrain)
    {
        using var answering = new AnsweringHost(a =>
        {
            if (isDrain)
            {
                a.Host.Unbind(a.Host.DeviceA, 1);
            }
            else
            {
                a.Requests.Queue.Process().Should().Be(1);
            }
        });
        answering.Ask();
        int responses = -1;
        var dispose = new Thread(() =>
        {
            answering.Requests.Dispose();
            responses = answering.Requests.Responses.Count;
        });
        dispose.Start();
        SpinUntilWaiting(dispose);

        answering.Finish(dispose);

        responses.Should().Be(1);
        answering.Requests.Responses.Should().ContainSingle();
        answering.Requests.Queue.Invoking(q => q.Process()).Should().Throw<ObjectDisposedException>();
        answering.Host.ShouldBeWhole();
    }

    [Fact]
    public void A_device_that_goes_on_asking_keeps_no_unbind_no_capture_and_no_dispose_from_their_end()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, capacity: 64);
        using var second = new HostRequests(host, capacity: 64, iommu: host.Iommu1);
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler(static () => Thread.SpinWait(2_000));
        host.Bind(host.DeviceA, process, 1);
        bool isOver = false;
        HostRequests[] queues = [requests, second];
        Thread[] threads = [.. queues.SelectMany(queue => new Thread[]
        {
            new(() => Repeat(() => queue.Queue.TryEnqueue(Request(queue == requests ? host.DeviceA : host.DeviceFar, 1) with { IsLastInGroup = false }))),
            new(() => Repeat(() => queue.Queue.Process())),
        })];
        Array.ForEach(threads, thread => thread.Start());

        for (int i = 0; i < 20; i++)
        {
            host.Binder.BindMm(host.DeviceB, process, out Ioasid pasid).Should().Be(PasidStatus.Success);
            host.Unbind(host.DeviceB, pasid.Value);
            host.Binder.CaptureSnapshot().BindingCount.Should().Be(1);
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(threads, thread => thread.Join());
        host.ShouldBeWhole();

        void Repeat(Action action)
        {
            while (!Volatile.Read(ref isOver))
            {
                action();
            }
        }
    }

    [Fact]
    public void An_unbind_ends_though_handlers_of_another_queue_go_on_giving_it_requests()
    {
        using var answering = new AnsweringHost(a => a.Host.Unbind(a.Host.DeviceA, 1));
        Host host = answering.Host;
        PageRequestQueue queue = answering.Requests.Queue;
        using var outer = new HostRequests(host, iommu: host.Iommu1);
        AddressSpace asking = host.Process("Q");
        bool isOver = false;
        asking.FaultHandler = new Handler(() =>
        {
            queue.TryEnqueue(Request(host.DeviceB, 9) with { IsLastInGroup = false });
            queue.Process();
        });
        host.Bind(host.DeviceFar, asking, 2);
        var ask = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                outer.Queue.TryEnqueue(Request(host.DeviceFar, 2) with { IsLastInGroup = false });
                outer.Queue.Process();
            }
        });
        ask.Start();

        answering.Finish();

        host.Binder.GetBindings().Should().ContainSingle();
        Volatile.Write(ref isOver, true);
        ask.Join();
    }

    /// <summary>Each capture has one queue stand still and waits for the other, whose handler wants the one that the other host's capture has.</summary>
    [Fact]
    public void Captures_of_two_hosts_whose_handlers_process_queues_of_each_other_end()
    {
        using Host a = new(), b = new();
        using HostRequests a0 = new(a, iommu: a.Iommu1), a1 = new(a), b0 = new(b, iommu: b.Iommu1), b1 = new(b);
        using var areInside = new CountdownEvent(2);
        using var goOn = new ManualResetEventSlim();
        Prepare(a, a1, b0);
        Prepare(b, b1, a0);
        a0.Queue.TryEnqueue(Request(a.DeviceFar, 9));
        b0.Queue.TryEnqueue(Request(b.DeviceFar, 9));
        Thread[] answers = [new(() => a1.Queue.Process()), new(() => b1.Queue.Process())];
        Array.ForEach(answers, thread => thread.Start());
        areInside.Wait();
        Thread[] captures = [new(() => a.Binder.CaptureSnapshot()), new(() => b.Binder.CaptureSnapshot())];
        Array.ForEach(captures, thread => thread.Start());
        Array.ForEach(captures, SpinUntilWaiting);

        goOn.Set();
        Array.ForEach(answers, thread => thread.Join());
        Array.ForEach(captures, thread => thread.Join());

        a0.Responses.Should().ContainSingle("who could not wait for the queue had it processed by who let it go on");
        b0.Responses.Should().ContainSingle();

        void Prepare(Host host, HostRequests own, HostRequests others)
        {
            AddressSpace process = host.Process("P");
            host.Bind(host.DeviceA, process, 1);
            process.FaultHandler = new Handler(() =>
            {
                areInside.Signal();
                goOn.Wait();
                others.Queue.Process();
            });
            own.Queue.TryEnqueue(Request(host.DeviceA, 1));
        }
    }

    [Fact]
    public void A_capture_ends_though_a_handler_waits_for_a_thread_that_processes_a_queue_that_stands_still()
    {
        using var host = new Host();
        using HostRequests still = new(host, iommu: host.Iommu1), busy = new(host);
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler(() =>
        {
            isInside.Set();
            goOn.Wait();
            var helper = new Thread(() => still.Queue.Process());
            helper.Start();
            helper.Join();
        });
        host.Bind(host.DeviceA, process, 1);
        still.Queue.TryEnqueue(Request(host.DeviceFar, 9));
        busy.Queue.TryEnqueue(Request(host.DeviceA, 1));
        var answer = new Thread(() => busy.Queue.Process());
        answer.Start();
        isInside.Wait();
        var capture = new Thread(() => host.Binder.CaptureSnapshot());
        capture.Start();
        SpinUntilWaiting(capture);

        goOn.Set();
        answer.Join();
        capture.Join();

        still.Responses.Should().ContainSingle();
    }

    [Fact]
    public void Captures_end_beside_devices_that_go_on_being_unbound_with_requests()
    {
        using var host = new Host();
        using HostRequests requests = new(host), far = new(host, iommu: host.Iommu1);
        bool isOver = false;
        Thread[] unbinds = [.. new[] { host.DeviceA, host.DeviceB, host.DeviceFar }.Select(device => new Thread(() => Rebind(device, host.Process($"{device}"))))];
        Array.ForEach(unbinds, thread => thread.Start());

        for (int i = 0; i < 10; i++)
        {
            host.Binder.CaptureSnapshot();
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(unbinds, thread => thread.Join());
        host.ShouldBeWhole();

        void Rebind(SvmDevice device, AddressSpace process)
        {
            process.FaultHandler = new Handler(static () => Thread.SpinWait(2_000));
            while (!Volatile.Read(ref isOver))
            {
                host.Binder.BindMm(device, process, out Ioasid pasid).Should().Be(PasidStatus.Success);
                (device == host.DeviceFar ? far : requests).Queue.TryEnqueue(Request(device, pasid.Value) with { IsLastInGroup = false });
                host.Binder.UnbindMm(device, pasid).Should().Be(PasidStatus.Success);
            }
        }
    }

    [Fact]
    public void A_queue_that_is_disposed_before_a_debt_to_it_is_paid_fails_nobody()
    {
        using var host = new Host();
        var still = new HostRequests(host, iommu: host.Iommu1);
        using var busy = new HostRequests(host);
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler(() =>
        {
            isInside.Set();
            goOn.Wait();
            still.Queue.Process();
        });
        host.Bind(host.DeviceA, process, 1);
        busy.Queue.TryEnqueue(Request(host.DeviceA, 1));
        still.Queue.TryEnqueue(Request(host.DeviceFar, 9));
        Exception? thrown = null;
        var answer = new Thread(() => thrown = Xunit.Record.Exception(() => busy.Queue.Process()));
        answer.Start();
        isInside.Wait();
        var capture = new Thread(() => host.Binder.CaptureSnapshot());
        capture.Start();
        SpinUntilWaiting(capture);
        busy.Inside = _ => new Thread(still.Dispose).Start();

        goOn.Set();
        answer.Join();
        capture.Join();

        thrown.Should().BeNull();
    }

    private static PageRequest Request(SvmDevice device, uint pasid) => new() { Device = device, Pasid = new Ioasid(pasid), IsLastInGroup = true };

    private static void SpinUntilWaiting(Thread thread)
    {
        var spinner = default(SpinWait);
        while (!thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin))
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    private sealed class Handler(Action handle) : IAddressSpaceFaultHandler
    {
        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
        {
            handle();
            return FaultOutcome.Handled;
        }
    }
}

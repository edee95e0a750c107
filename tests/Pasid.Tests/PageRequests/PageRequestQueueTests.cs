using Pasid.Internal;
using Pasid.Tests.Support;
using static Pasid.Tests.Support.SnapshotEdit;

namespace Pasid.Tests.PageRequests;

/// <summary>What devices ask for, and how it is answered.</summary>
public sealed class PageRequestQueueTests
{
    private const PageResponseCode Success = PageResponseCode.Success;
    private const PageResponseCode Invalid = PageResponseCode.InvalidRequest;
    private const PageResponseCode Failure = PageResponseCode.ResponseFailure;

    /// <summary>The rows of the kernel's decision table, in its order: each request would also meet the rows below it.</summary>
    public static TheoryData<int, string> Rows()
    {
        var rows = new TheoryData<int, string>();
        foreach (string profile in new[] { nameof(KernelProfile.Default), nameof(KernelProfile.Seed), nameof(KernelProfile.Linux56) })
        {
            for (int row = 1; row <= 9; row++)
            {
                rows.Add(row, profile);
            }
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(Rows))]
    public void D43_Each_row_of_the_decision_table_is_answered_and_told_as_the_kernel_does(int row, string profile)
    {
        using var host = new Host((KernelProfile)typeof(KernelProfile).GetProperty(profile)!.GetValue(null)!);
        using var requests = new HostRequests(host);
        var callbacks = new SpyCallbacks();
        AddressSpace process = host.Process("P");
        var map = new AddressRegionMap();
        map.Add(new AddressRegion(0x1000, 0x1000, PageRequestRights.Read));
        process.FaultHandler = row == 8 ? new Handler((_, _, _) => FaultOutcome.Failed) : map;
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, callbacks, out Ioasid pasid);
        host.Binder.BindMm(host.DeviceA, null, SvmBindFlags.Supervisor, callbacks, out Ioasid supervisor);
        host.Allocator.Allocate(new IoasidRange(9, 9), data: "another's");
        host.Allocator.Allocate(new IoasidRange(10, 10));
        if (row == 4)
        {
            process.Exit();
        }

        const ulong NotCanonical = 1ul << 50;
        (uint? asked, ulong address, PageRequestRights rights, PageResponseCode expected) = row switch
        {
            1 => ((uint?)null, NotCanonical, PageRequestRights.Write, Failure),
            2 => (77u, NotCanonical, PageRequestRights.Write, Failure),
            3 => (supervisor.Value, NotCanonical, PageRequestRights.Write, Invalid),
            4 => (pasid.Value, NotCanonical, PageRequestRights.Write, Invalid),
            5 => (pasid.Value, NotCanonical, PageRequestRights.Write, Invalid),
            6 => (pasid.Value, 0x5000ul, PageRequestRights.Write, Invalid),
            7 => (pasid.Value, 0x1000ul, PageRequestRights.Write, Invalid),
            8 => (pasid.Value, 0x1000ul, PageRequestRights.Read, Invalid),
            _ => (pasid.Value, 0x1FFFul, PageRequestRights.Read | PageRequestRights.Privileged, Success),
        };

        bool isMended = host.Binder.Profile.Quirks == KernelQuirks.None;
        expected = row < 3 && isMended ? Invalid : expected;

        requests.Ask(host.DeviceA, asked, address, rights).Should().Be(expected);

        ulong page = address & ~4095ul;
        callbacks.Calls.Should().Equal(row < 3 ? [] : [isMended ? $"devA {asked} {page:X} none {rights} {expected}" : $"devA {asked} {page >> 12:X} 0 {rights} {expected}"]);
        UInt128? privateData = isMended || asked is null ? null : 0;
        requests.Responses.Should().Equal(new PageResponse(host.DeviceA, asked is { } id ? new Ioasid(id) : null, 0, expected, privateData) { IsLastInGroup = true });
        long leaked = row == 5 && host.Binder.Profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser) ? 1 : 0;
        process.Users.Should().Be((row == 4 ? 0 : 1) + leaked, "handling a request leaves the users as they were");
        if (row == 2)
        {
            requests.Ask(host.DeviceA, 9, address).Should().Be(expected, "another's data is no binding");
            requests.Ask(host.DeviceA, 10, address).Should().Be(expected, "no data is no binding");
        }
    }

    [Fact]
    public void D43_Only_the_last_of_a_group_and_requests_with_private_data_are_answered_each_for_itself()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, address, _) => address == 0 ? FaultOutcome.NotMapped : FaultOutcome.Handled);
        host.Bind(host.DeviceA, process, 1);
        PageRequest request = new() { Device = host.DeviceA, Pasid = new Ioasid(1), GroupIndex = 5 };

        requests.Queue.TryEnqueue(request with { Address = 0 });
        requests.Queue.TryEnqueue(request with { Address = 0, PrivateData = UInt128.MaxValue });
        requests.Queue.TryEnqueue(request with { Address = 4096, IsLastInGroup = true });
        requests.Queue.Process().Should().Be(3);

        requests.Responses.Should().Equal(
            new PageResponse(host.DeviceA, new Ioasid(1), 5, Invalid, UInt128.MaxValue),
            new PageResponse(host.DeviceA, new Ioasid(1), 5, Success, null) { IsLastInGroup = true });
        requests.Queue.GetStatistics().Should().Be(new PageRequestStatistics(3, 0, 1, 1, 0));
    }

    [Fact]
    public void D6_After_the_exit_requests_are_invalid_and_after_the_last_unbind_they_are_nobodys()
    {
        using var host = new Host(KernelProfile.Seed);
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, _, _) => FaultOutcome.Handled);
        host.Bind(host.DeviceA, process, 1);
        requests.Ask(host.DeviceA, 1, 0).Should().Be(Success);

        process.Exit();
        requests.Ask(host.DeviceA, 1, 0).Should().Be(Invalid);
        host.Unbind(host.DeviceA, 1);

        requests.Ask(host.DeviceA, 1, 0).Should().Be(Failure);
    }

    [Theory]
    [InlineData(48, 0x0000_7FFF_FFFF_FFFFul, true)]
    [InlineData(48, 0x0000_8000_0000_0000ul, false)]
    [InlineData(48, 0xFFFF_8000_0000_0000ul, true)]
    [InlineData(48, 0xFFFF_7FFF_FFFF_FFFFul, false)]
    [InlineData(57, 0x00FF_FFFF_FFFF_FFFFul, true)]
    [InlineData(57, 0x0100_0000_0000_0000ul, false)]
    [InlineData(57, 0xFF00_0000_0000_0000ul, true)]
    [InlineData(57, 0x0000_8000_0000_0000ul, true)]
    public void An_address_is_canonical_if_its_upper_bits_are_alike(int width, ulong address, bool isCanonical)
    {
        using var host = new Host(configure: options => options.AddressWidth = width);
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, _, _) => FaultOutcome.Handled);
        host.Bind(host.DeviceA, process, 1);

        requests.Ask(host.DeviceA, 1, address).Should().Be(isCanonical ? Success : Invalid);
    }

    [Fact]
    public void An_address_space_without_a_handler_has_nothing_mapped()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        host.Bind(host.DeviceA, host.Process("P"), 1);

        requests.Ask(host.DeviceA, 1, 0x1000).Should().Be(Invalid);
    }

    [Fact]
    public void Callbacks_are_told_of_the_requests_of_their_own_device_as_long_as_it_is_bound()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        var red = new SpyCallbacks();
        var blue = new SpyCallbacks();
        AddressSpace process = host.Process("P");
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, red, out _);
        host.Binder.BindMm(host.DeviceFar, process, SvmBindFlags.None, blue, out _);
        host.Bind(host.DeviceB, process, 1);

        using var far = new HostRequests(host, iommu: host.Iommu1);
        far.Ask(host.DeviceFar, 1, 0xA000, PageRequestRights.Execute);
        requests.Ask(host.DeviceB, 1, 0xB000);
        host.Unbind(host.DeviceFar, 1);
        far.Ask(host.DeviceFar, 1, 0xC000);
        requests.Ask(host.DeviceA, 1, 0xD000);

        blue.Calls.Should().Equal("devF 1 A000 none Execute InvalidRequest");
        red.Calls.Should().Equal("devA 1 D000 none Read InvalidRequest");
    }

    [Fact]
    public void A_ring_that_is_full_loses_the_request_and_the_hardware_answers_what_is_due()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, capacity: 4, hardwareAnswers: true);
        PageRequest request = new() { Device = host.DeviceA, IsLastInGroup = true };
        for (int i = 0; i < 3; i++)
        {
            requests.Queue.TryEnqueue(request with { GroupIndex = i }).Should().BeTrue();
        }

        requests.Queue.Tail.Should().Be(3);
        requests.Queue.TryEnqueue(request with { GroupIndex = 7, IsLastInGroup = false }).Should().BeFalse();
        requests.Responses.Should().BeEmpty();
        requests.Queue.TryEnqueue(request with { GroupIndex = 8 }).Should().BeFalse();
        requests.Responses.Should().Equal(new PageResponse(host.DeviceA, null, 8, Success, null) { IsLastInGroup = true });
        requests.Queue.HasOverflowed.Should().BeTrue();

        requests.Queue.Process().Should().Be(3);

        requests.Queue.HasOverflowed.Should().BeFalse();
        (requests.Queue.Head, requests.Queue.Tail).Should().Be((3, 3));
        requests.Queue.TryEnqueue(request).Should().BeTrue();
        (requests.Queue.Head, requests.Queue.Tail).Should().Be((3, 0), "the ring wraps");
        requests.Queue.Process().Should().Be(1);
        requests.Responses.Select(response => response.GroupIndex).Should().Equal(8, 0, 1, 2, 0);
        requests.Queue.GetStatistics().Should().Be(new PageRequestStatistics(4, 2, 1, 4, 0));
    }

    [Fact]
    public void A_request_is_outstanding_until_it_is_answered()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        requests.Inside = _ => (requests.Queue.Tail - requests.Queue.Head).Should().Be(1);

        requests.Ask(host.DeviceA, null, 0).Should().Be(Invalid);

        requests.Queue.Head.Should().Be(requests.Queue.Tail);
    }

    [Fact]
    public void A_responder_may_enqueue_and_what_it_enqueues_waits_for_the_next_run()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        requests.Inside = response =>
        {
            if (response.GroupIndex < 3)
            {
                requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, GroupIndex = response.GroupIndex + 1, IsLastInGroup = true });
            }
        };
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, IsLastInGroup = true });

        for (int i = 0; i < 4; i++)
        {
            requests.Queue.Process().Should().Be(1);
        }

        requests.Queue.Process().Should().Be(0);
    }

    [Fact]
    public void What_is_called_while_answering_may_neither_call_the_binder_nor_answer()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        List<Exception?> thrown = [];
        void CallBack()
        {
            thrown.Add(Record.Exception(() => host.Binder.BindMm(host.DeviceB, process, out _)));
            thrown.Add(Record.Exception(() => host.Binder.UnbindMm(host.DeviceA, new Ioasid(1))));
            thrown.Add(Record.Exception(() => host.Binder.GetBindings()));
            thrown.Add(Record.Exception(host.Binder.Dispose));
            thrown.Add(Record.Exception(() => requests.Queue.Process()));
            thrown.Add(Record.Exception(requests.Queue.Dispose));
            host.Binder.Lookup(new Ioasid(1), out AddressSpace? found).Should().Be(PasidStatus.Success);
            found.Should().BeSameAs(process);
        }

        process.FaultHandler = new Handler((_, _, _) =>
        {
            CallBack();
            return FaultOutcome.Handled;
        });
        requests.Inside = _ => CallBack();

        requests.Ask(host.DeviceA, 1, 0).Should().Be(Success);

        thrown.Should().HaveCount(12).And.AllBeOfType<InvalidOperationException>();
        host.Bind(host.DeviceB, process, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_called_while_answering_may_let_processes_exit(bool isByThread)
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        AddressSpace other = host.Process("Q");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceB, other, 2);
        SvmThread thread = process.CreateThread("T");
        SvmThread otherThread = other.CreateThread("T");
        (bool Own, bool Other) inside = default;
        process.FaultHandler = new Handler((_, _, _) =>
        {
            if (isByThread)
            {
                thread.Exit();
                otherThread.ExitGroup();
            }
            else
            {
                process.Exit();
                other.Exit();
            }

            inside = (process.HasExited, other.HasExited);
            return FaultOutcome.Handled;
        });

        requests.Ask(host.DeviceA, 1, 0).Should().Be(Success);

        inside.Should().Be((false, true), "the answer is a user of the one");
        process.HasExited.Should().BeTrue();
        host.Iommu0.Entries.Should().BeEmpty();
    }

    [Fact]
    public void What_handlers_callbacks_and_responders_throw_is_passed_on_when_all_is_answered()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, address, _) => address == 0 ? throw new TimeoutException("handler") : FaultOutcome.Handled);
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, new ThrowingCallbacks(), out _);
        requests.Inside = _ => throw new TimeoutException("responder");
        foreach (ulong address in new ulong[] { 0, 4096 })
        {
            requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), Address = address, IsLastInGroup = true });
        }

        requests.Queue.Invoking(queue => queue.Process()).Should().Throw<TimeoutException>().WithMessage("handler", "it was the first");

        requests.Responses.Select(response => response.Code).Should().Equal(Invalid, Success);
        process.Users.Should().Be(1);
        requests.Queue.Process().Should().Be(0);
        requests.Inside = null;
        host.Binder.CheckIntegrity().Should().BeEmpty();
    }

    [Fact]
    public void What_callbacks_alone_throw_is_passed_on_after_the_response()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        host.Binder.BindMm(host.DeviceA, host.Process("P"), SvmBindFlags.None, new ThrowingCallbacks(), out _);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), IsLastInGroup = true });

        requests.Queue.Invoking(queue => queue.Process()).Should().Throw<TimeoutException>().WithMessage("callbacks");

        requests.Responses.Should().ContainSingle();
    }

    [Fact]
    public void A_restore_puts_the_requests_of_the_snapshot_in_the_place_of_those_that_wait()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, capacity: 4);
        PageRequest request = new() { Device = host.DeviceA, IsLastInGroup = true };
        requests.Queue.TryEnqueue(request with { GroupIndex = 1 });
        requests.Queue.Process();
        requests.Queue.TryEnqueue(request with { GroupIndex = 2 });
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        requests.Queue.TryEnqueue(request with { GroupIndex = 3 });
        requests.Queue.TryEnqueue(request with { GroupIndex = 4 });
        requests.Queue.TryEnqueue(request with { GroupIndex = 5 });
        requests.Responses.Clear();

        host.Binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA });

        (requests.Queue.Head, requests.Queue.Tail, requests.Queue.HasOverflowed).Should().Be((1, 2, false));
        requests.Queue.Process().Should().Be(1);
        requests.Responses.Select(response => response.GroupIndex).Should().Equal(2);
    }

    [Fact]
    public void The_unbind_of_a_device_has_requests_of_its_pasid_answered_between_tear_down_and_release()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, _, _) => FaultOutcome.Handled);
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, process, 1);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), IsLastInGroup = true });
        host.TakeEvents();
        host.Unbind(host.DeviceA, 1);
        requests.Responses.Should().BeEmpty("the device is still bound");
        requests.Inside = _ => host.Events.Should().Equal("tear_down iommu0 devA pasid=1", "iommu0 pasid_cache pasid=1 did=1", "iommu0 iotlb pasid=1 did=1");

        host.Unbind(host.DeviceA, 1);

        requests.Responses.Single().Code.Should().Be(Success);
        host.TakeEvents()[..4].Should().Equal("tear_down iommu0 devA pasid=1", "iommu0 pasid_cache pasid=1 did=1", "iommu0 iotlb pasid=1 did=1", "drain iommu0 sid=0 pasid=1");
    }

    [Fact]
    public void A_device_whose_entry_is_torn_down_brings_nothing_more_into_the_queue()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, hardwareAnswers: true);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        PageRequest request = new() { Device = host.DeviceA, Pasid = new Ioasid(1), GroupIndex = 1, Rights = PageRequestRights.Read, IsLastInGroup = true };
        List<bool> arrived = [];
        requests.Inside = response =>
        {
            if (response.GroupIndex == 1)
            {
                arrived.Add(requests.Queue.TryEnqueue(request with { GroupIndex = 2 }));
            }
        };
        requests.Queue.TryEnqueue(request);

        host.Unbind(host.DeviceA, 1);

        arrived.Should().Equal(false);
        requests.Responses.Select(response => (response.GroupIndex, response.Code)).Should().Equal((1, Invalid), (2, Invalid));
        requests.Queue.Tail.Should().Be(requests.Queue.Head, "whoever has the PASID next answers for nothing of before");
        requests.Queue.GetStatistics().Refused.Should().Be(1);
    }

    [Fact]
    public void A_device_that_still_has_the_pasid_keeps_no_drain_from_its_end_by_asking_on()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, hardwareAnswers: true);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceB, process, 1);
        PageRequest request = new() { Device = host.DeviceA, Pasid = new Ioasid(1), Rights = PageRequestRights.Read, IsLastInGroup = true };
        requests.Inside = _ => requests.Queue.TryEnqueue(request with { Device = host.DeviceB });
        requests.Queue.TryEnqueue(request);

        host.Unbind(host.DeviceA, 1);

        requests.Responses.Should().ContainSingle();
        requests.Inside = null;
        host.Unbind(host.DeviceB, 1);
        requests.Responses.Select(response => response.Device).Should().Equal(host.DeviceA, host.DeviceB);
    }

    [Fact]
    public void What_a_drain_throws_is_passed_on_when_the_unbind_is_done()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), IsLastInGroup = true });
        requests.Inside = _ => throw new TimeoutException();

        host.Binder.Invoking(b => b.UnbindMm(host.DeviceA, new Ioasid(1))).Should().Throw<TimeoutException>();

        host.Binder.GetBindings().Should().BeEmpty();
        host.Iommu0.Entries.Should().BeEmpty();
    }

    [Fact]
    public async Task An_unbind_waits_for_the_request_that_another_thread_is_answering()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, _, _) =>
        {
            isInside.Set();
            goOn.Wait();
            return FaultOutcome.Handled;
        });
        host.Bind(host.DeviceA, process, 1);
        Task ask = Task.Run(() => requests.Ask(host.DeviceA, 1, 0));
        isInside.Wait();
        Task<PasidStatus> unbind = Task.Run(() => host.Binder.UnbindMm(host.DeviceA, new Ioasid(1)));
        host.Allocator.Lookup(new Ioasid(1), out _).Should().Be(PasidStatus.Success, "the PASID is not let go while a request is outstanding");
        unbind.IsCompleted.Should().BeFalse();

        goOn.Set();

        (await unbind).Should().Be(PasidStatus.Success);
        requests.Responses.Should().ContainSingle("the answer came before the unbind returned");
        await ask;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_process_that_exits_while_its_request_is_answered_exits_when_that_is_done(bool drains)
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, _, _) =>
        {
            isInside.Set();
            goOn.Wait();
            return FaultOutcome.Handled;
        });
        host.Bind(host.DeviceA, process, 1);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), IsLastInGroup = true });
        Task answer = Task.Run(() => drains ? (int)host.Binder.UnbindMm(host.DeviceA, new Ioasid(1)) : requests.Queue.Process());
        isInside.Wait();
        Task exit = Task.Run(process.Exit);
        if (!drains)
        {
            await exit;
            process.HasExited.Should().BeFalse("the handler still works in it");
        }

        goOn.Set();
        await answer;
        await exit;

        process.HasExited.Should().BeTrue();
        process.IsDestroyed.Should().Be(drains);
        requests.Responses.Single().Code.Should().Be(Success);
        host.Live().Should().Equal(drains ? [] : [1u]);
    }

    [Fact]
    public async Task Requests_are_answered_while_the_binder_is_busy()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        using var isInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, _, _) => FaultOutcome.Handled);
        host.Bind(host.DeviceA, process, 1);
        host.Iommu1.Inside = _ =>
        {
            isInside.Set();
            goOn.Wait();
        };
        Task bind = Task.Run(() => host.Binder.BindMm(host.DeviceFar, process, out _));
        isInside.Wait();

        requests.Ask(host.DeviceA, 1, 0).Should().Be(Success, "PASIDs are looked up without a lock");

        goOn.Set();
        await bind;
        host.Iommu1.Inside = null;
    }

    [Fact]
    public void Many_devices_many_answerers_and_binds_beside_them_give_each_request_its_answer()
    {
        const int Asks = 3_000;
        using var host = new Host();
        var responder = new CountingResponder();
        using var queue = new PageRequestQueue(host.Binder, host.Iommu0, responder, new PageRequestQueueOptions { Capacity = 64 });
        AddressSpace process = host.Process("P");
        process.FaultHandler = new Handler((_, _, _) => FaultOutcome.Handled);
        using var done = new CountdownEvent(2);
        void Ask(SvmDevice device)
        {
            for (int i = 0; i < Asks; i++)
            {
                queue.TryEnqueue(new PageRequest { Device = device, Pasid = new Ioasid(1), GroupIndex = i % 512, Rights = PageRequestRights.Read, IsLastInGroup = true });
            }

            done.Signal();
        }

        void Answer()
        {
            while (!done.IsSet || queue.Head != queue.Tail)
            {
                queue.Process();
            }
        }

        Thread[] threads = [new(() => Ask(host.DeviceA)), new(() => Ask(host.DeviceB)), new(Answer), new(Answer)];
        Array.ForEach(threads, thread => thread.Start());
        while (!done.IsSet)
        {
            host.Binder.BindMm(host.DeviceA, process, out Ioasid pasid).Should().Be(PasidStatus.Success);
            host.Binder.UnbindMm(host.DeviceA, pasid).Should().Be(PasidStatus.Success);
        }

        Array.ForEach(threads, thread => thread.Join());

        responder.Count.Should().Be(2 * Asks, "a request that finds the queue full is answered by the hardware");
        process.Users.Should().Be(1);
        host.Binder.CheckIntegrity().Should().BeEmpty();
    }

    [Fact]
    public void A_restored_host_has_the_requests_threads_portals_users_and_pins_of_the_captured_one()
    {
        using var host = new Host(KernelProfile.Seed);
        using var requests = new HostRequests(host, capacity: 8);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        SvmThread thread = process.CreateThread("T");
        process.CreateThread("U");
        var portal = new Portal();
        process.Portals.Map(0x2000, portal);
        thread.Enqcmd(0x2000, new byte[64]);
        process.AddPin();
        requests.Ask(host.DeviceA, 1, 1ul << 60);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), Address = 5, Rights = PageRequestRights.Write, GroupIndex = 6, PrivateData = UInt128.MaxValue });
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceB });
        using var stream = new MemoryStream();
        host.Binder.CaptureSnapshot().Save(stream);
        stream.Position = 0;
        PasidSnapshot snapshot = PasidSnapshot.Load(stream);
        requests.Queue.Process();
        thread.Exec("elsewhere");

        using var other = new Host(KernelProfile.Seed);
        using var otherRequests = new HostRequests(other, capacity: 4);
        AddressSpace restored = other.Binder.Restore(snapshot, new PasidSnapshotMap
        {
            FindDevice = name => new[] { other.DeviceA, other.DeviceB }.Single(device => device.Name == name),
            FindPortal = name => name == "portal" ? portal : null,
        }).Single();

        restored.Users.Should().Be(3);
        restored.Pins.Should().Be(2);
        restored.GetThreads().Select(t => $"{t.Name} {t.Msr}").Should().Equal("T 0x80000001", "U 0x00000000");
        restored.GetThreads()[0].Enqcmd(0x2000, new byte[64]).Should().Be(new EnqcmdResult(EnqcmdOutcome.Accepted));
        other.Binder.CheckIntegrity().Should().ContainSingle().Which.Quirk.Should().Be(KernelQuirks.NonCanonicalFaultLeaksUser);
        other.Binder.CaptureSnapshot().ShouldEqual(snapshot);
        otherRequests.Queue.Process().Should().Be(2);
        otherRequests.Responses.Should().Equal(new PageResponse(other.DeviceA, new Ioasid(1), 6, Invalid, UInt128.Zero));
    }

    public static TheoryData<string, Func<PasidSnapshot, PasidSnapshot>> Impossible()
    {
        static Func<PasidSnapshot, PasidSnapshot> With(Func<AddressSpaceEntry, AddressSpaceEntry> change) =>
            Edit(file => file with { AddressSpaces = [change(file.AddressSpaces[0])] });
        static Func<PasidSnapshot, PasidSnapshot> Asking(RequestEntry request) =>
            Queued(new QueueEntry([request]));
        static Func<PasidSnapshot, PasidSnapshot> Queued(params QueueEntry[] queues) => Edit(file => file with { Queues = queues });
        return new()
        {
            { "2 page request queues, and 1 are attached", Queued(new QueueEntry([]), new QueueEntry([])) },
            { "has 4 requests, and room for 3", Queued(new QueueEntry([.. Enumerable.Repeat(new RequestEntry("devA"), 4)])) },
            { "a page request queue has no requests", Queued(new QueueEntry(null!)) },
            { "a page request has no device", Asking(new RequestEntry(null!)) },
            { "a page request has no device", Asking(new RequestEntry("devA", GroupIndex: 512)) },
            { "a page request has no device", Asking(new RequestEntry("devA", PrivateData: "many")) },
            { "the device 'devZ' is unknown", Asking(new RequestEntry("devZ")) },
            { "has -1 extra users", With(a => a with { ExtraUsers = -1 }) },
            { "has 0 extra users, 1 of them left behind", With(a => a with { LeakedUsers = 1 }) },
            { "0x80000002 in its register", With(a => a with { Threads = [new ThreadEntry("T", 0x8000_0002)] }) },
            { "0x1 in its register", With(a => a with { Threads = [new ThreadEntry("T", 1)] }) },
            { "a thread without a name", With(a => a with { Threads = [null!] }) },
            { "has left, and has threads", With(a => a with { HasLeft = true, Threads = [new ThreadEntry("T")] }) },
            { "a portal without a name", With(a => a with { Portals = [new PortalEntry(5, "portal")] }) },
            { "a portal without a name", With(a => a with { Portals = [new PortalEntry(0, "portal"), new PortalEntry(0, "portal")] }) },
            { "the portal 'gate' is unknown", With(a => a with { Portals = [new PortalEntry(0, "gate")] }) },
        };
    }

    [Theory]
    [MemberData(nameof(Impossible))]
    public void A_snapshot_with_impossible_requests_threads_or_users_is_refused_and_changes_nothing(string reason, Func<PasidSnapshot, PasidSnapshot> change)
    {
        using var host = new Host();
        using var requests = new HostRequests(host, capacity: 4);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        PasidSnapshot snapshot = change(host.Binder.CaptureSnapshot());
        string before = host.State();

        host.Binder.Invoking(b => b.Restore(snapshot, new PasidSnapshotMap { FindDevice = name => name == "devA" ? host.DeviceA : null }))
            .Should().Throw<FormatException>().WithMessage($"*{reason}*");

        host.State().Should().Be(before);
    }

    [Fact]
    public void Requests_and_queues_that_make_no_sense_are_refused()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);

        requests.Queue.Invoking(q => q.TryEnqueue(default)).Should().Throw<ArgumentException>().WithMessage("The request comes from no device*");
        requests.Queue.Invoking(q => q.TryEnqueue(new PageRequest { Device = new SvmDevice("loose", null) })).Should().Throw<ArgumentException>().WithMessage("*'loose', which is behind no IOMMU, and the queue is that of the IOMMU 'iommu0'*");
        requests.Queue.Invoking(q => q.TryEnqueue(new PageRequest { Device = host.DeviceA, GroupIndex = 512 })).Should().Throw<ArgumentException>().WithMessage("The group index is 512: give 0 to 511.*");
        requests.Queue.Invoking(q => q.TryEnqueue(new PageRequest { Device = host.DeviceA, GroupIndex = -1 })).Should().Throw<ArgumentException>();
        foreach (int capacity in new[] { 0, 1, 3, -2, 1 << 21 })
        {
            FluentActions.Invoking(() => new PageRequestQueue(host.Binder, host.Iommu1, requests, new PageRequestQueueOptions { Capacity = capacity })).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*power of two of descriptors*");
        }

        requests.Queue.Tail.Should().Be(0);
    }

    [Fact]
    public void After_dispose_a_queue_takes_and_answers_nothing_and_unbinds_go_on_without_it()
    {
        using var host = new Host();
        var requests = new HostRequests(host);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), IsLastInGroup = true });
        requests.Dispose();
        requests.Dispose();

        requests.Queue.Invoking(q => q.Process()).Should().Throw<ObjectDisposedException>();
        requests.Queue.Invoking(q => q.TryEnqueue(new PageRequest { Device = host.DeviceA })).Should().Throw<ObjectDisposedException>();
        host.Unbind(host.DeviceA, 1);
        requests.Responses.Should().BeEmpty();
    }

    [Fact]
    public void Statistics_of_the_binder_sum_its_queues()
    {
        using var host = new Host();
        using var first = new HostRequests(host, capacity: 2, hardwareAnswers: true);
        using var second = new HostRequests(host, iommu: host.Iommu1);
        first.Ask(host.DeviceA, null, 0);
        second.Ask(host.DeviceFar, null, 0);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        second.Ask(host.DeviceFar, 1, 0).Should().Be(PageResponseCode.InvalidRequest);
        first.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA });
        first.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, IsLastInGroup = true });

        SvmStatistics statistics = host.Binder.GetStatistics();

        (statistics.PageRequests, statistics.PageResponses, statistics.PageRequestOverflows).Should().Be((3, 4, 1));
    }

    private sealed class Handler(Func<AddressSpace, ulong, PageRequestRights, FaultOutcome> handle) : IAddressSpaceFaultHandler
    {
        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights) => handle(addressSpace, address, rights);
    }

    private sealed class SpyCallbacks : ISvmDeviceCallbacks
    {
        public string Name => "spy";

        public List<string> Calls { get; } = [];

        public void OnPageRequest(SvmDevice device, Ioasid pasid, ulong address, UInt128? privateData, PageRequestRights rights, PageResponseCode code) =>
            Calls.Add($"{device} {pasid} {address:X} {privateData?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"} {rights} {code}");
    }

    private sealed class ThrowingCallbacks : ISvmDeviceCallbacks
    {
        public string Name => "throwing";

        public void OnPageRequest(SvmDevice device, Ioasid pasid, ulong address, UInt128? privateData, PageRequestRights rights, PageResponseCode code) =>
            throw new TimeoutException("callbacks");
    }

    private sealed class CountingResponder : IPageResponder
    {
        private int _count;

        public int Count => _count;

        public void Respond(in PageResponse response) => Interlocked.Increment(ref _count);
    }

    private sealed class Portal : IEnqcmdPortal
    {
        public string Name => "portal";

        public bool Submit(in EnqcmdCommand command) => true;
    }
}

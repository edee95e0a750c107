using Pasid.Tests.Support;
using static Pasid.Tests.Support.SnapshotEdit;

namespace Pasid.Tests.PageRequests;

/// <summary>What an IOMMU does with a request before it reaches the queue, and what descriptors say.</summary>
public sealed class HardwareAnswerTests
{
    private const PageRequestRights Read = PageRequestRights.Read;

    [Fact]
    public void TryEnqueue_of_a_device_without_an_entry_is_refused_from_before_the_bind_until_after_the_unbind()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, hardwareAnswers: true);
        AddressSpace process = host.Process("P");
        List<bool> arrived = [];
        void Ask(SvmDevice device) => arrived.Add(requests.Queue.TryEnqueue(Request(device, 1)));
        Ask(host.DeviceA);
        host.Bind(host.DeviceA, process, 1);
        Ask(host.DeviceA);
        Ask(host.DeviceB);
        host.Unbind(host.DeviceA, 1);
        Ask(host.DeviceA);

        arrived.Should().Equal(false, true, false, false);
        requests.Responses.Select(response => (response.Device, response.Code)).Should().Equal(
            (host.DeviceA, PageResponseCode.InvalidRequest),
            (host.DeviceB, PageResponseCode.InvalidRequest),
            (host.DeviceA, PageResponseCode.InvalidRequest),
            (host.DeviceA, PageResponseCode.InvalidRequest));
        requests.Queue.GetStatistics().Should().Be(new PageRequestStatistics(1, 0, 0, 4, 0) { Refused = 3 });
    }

    [Fact]
    public void TryEnqueue_after_the_exit_is_refused_because_the_entry_is_torn_down()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, hardwareAnswers: true);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.Exit();

        requests.Queue.TryEnqueue(Request(host.DeviceA, 1)).Should().BeFalse();
        requests.Queue.Tail.Should().Be(0);
    }

    [Fact]
    public void TryEnqueue_of_a_restored_host_finds_the_entries_of_the_captured_one()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, hardwareAnswers: true);
        AddressSpace alive = host.Process("P");
        AddressSpace gone = host.Process("Q");
        host.Bind(host.DeviceA, alive, 1);
        host.Bind(host.DeviceA, gone, 2);
        gone.Exit();
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        host.Unbind(host.DeviceA, 1);

        host.Binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA });

        requests.Queue.TryEnqueue(Request(host.DeviceA, 1)).Should().BeTrue();
        requests.Queue.TryEnqueue(Request(host.DeviceA, 2)).Should().BeFalse();
    }

    [Fact]
    public void TryEnqueue_of_a_device_that_does_not_ask_for_pages_is_refused()
    {
        using var host = new Host();
        using var requests = new HostRequests(host, hardwareAnswers: true);
        var device = new SvmDevice("device", host.Iommu0) { HasPri = false };
        host.Bind(device, host.Process("P"), 1);

        requests.Queue.TryEnqueue(Request(device, 1)).Should().BeFalse();
    }

    [Fact]
    public void Restore_empties_the_queues_that_the_snapshot_does_not_have()
    {
        using var host = new Host();
        host.Bind(host.DeviceA, host.Process("P"), 1);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        using var requests = new HostRequests(host, capacity: 2);
        requests.Queue.TryEnqueue(Request(host.DeviceA, 1));
        requests.Queue.TryEnqueue(Request(host.DeviceA, 1));

        host.Binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA });

        (requests.Queue.Head, requests.Queue.Tail, requests.Queue.HasOverflowed, requests.Queue.IsPending).Should().Be((0, 0, false, false));
        requests.Queue.Process().Should().Be(0);
    }

    [Fact]
    public void A_request_of_an_address_space_with_as_many_users_as_can_be_counted_is_invalid_and_ends_no_run()
    {
        using var host = new Host(configure: static options => options.Observer = null);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot().With(file => file with { AddressSpaces = [file.AddressSpaces[0] with { ExtraUsers = int.MaxValue }] });
        host.Binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA, FindAddressSpace = _ => process });
        using var requests = new HostRequests(host, hardwareAnswers: true);
        requests.Queue.TryEnqueue(Request(host.DeviceA, 1)).Should().BeTrue();

        requests.Queue.Invoking(queue => queue.Process()).Should().Throw<PasidException>().Which.Status.Should().Be(PasidStatus.Overflow);

        requests.Responses.Should().ContainSingle().Which.Code.Should().Be(PageResponseCode.InvalidRequest);
        requests.Queue.Process().Should().Be(0);
        host.Unbind(host.DeviceA, 1);
    }

    [Fact]
    public void An_unbind_ends_though_another_device_joins_while_it_drains_and_asks_on()
    {
        using var host = new Host(configure: static options => options.Observer = null);
        using var requests = new HostRequests(host, hardwareAnswers: true);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        requests.Inside = _ =>
        {
            // What answers may not bind; somebody else may.
            var joins = new Thread(() => host.Binder.BindMm(host.DeviceB, process, out Ioasid _));
            joins.Start();
            joins.Join();
            requests.Queue.TryEnqueue(Request(host.DeviceB, 1)).Should().BeTrue();
        };
        requests.Queue.TryEnqueue(Request(host.DeviceA, 1));

        host.Unbind(host.DeviceA, 1);

        requests.Responses.Should().ContainSingle();
        requests.Queue.Tail.Should().Be(2);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(40)]
    public void TryEnqueue_finds_each_of_many_devices_and_none_that_is_unbound(int count)
    {
        using var host = new Host(configure: static options => options.Observer = null);
        using var requests = new HostRequests(host, capacity: 64, hardwareAnswers: true);
        AddressSpace process = host.Process("P");
        SvmDevice[] devices = [.. Enumerable.Range(0, count).Select(i => new SvmDevice($"d{i}", host.Iommu0))];
        Array.ForEach(devices, device => host.Bind(device, process, 1));

        devices.Should().OnlyContain(device => requests.Queue.TryEnqueue(Request(device, 1)));
        requests.Queue.Process().Should().Be(count);
        for (int i = 0; i < count; i += 2)
        {
            host.Unbind(devices[i], 1);
        }

        devices.Select(device => requests.Queue.TryEnqueue(Request(device, 1))).Should().Equal(Enumerable.Range(0, count).Select(i => i % 2 == 1));
        host.Binder.BindMm(devices[0], process, out _).Should().Be(PasidStatus.Success);
        requests.Queue.TryEnqueue(Request(devices[0], 1)).Should().BeTrue();
    }

    [Theory]
    [InlineData(PageRequestRights.None, true, 1u, true)]
    [InlineData(PageRequestRights.Execute | PageRequestRights.Privileged, true, 1u, true)]
    [InlineData(PageRequestRights.Read, true, 1u, false)]
    [InlineData(PageRequestRights.Write, true, 1u, false)]
    [InlineData(PageRequestRights.None, false, 1u, false)]
    [InlineData(PageRequestRights.None, true, null, false)]
    public void A_stop_marker_asks_for_nothing_and_gets_nothing(PageRequestRights rights, bool isLast, uint? pasid, bool isMarker)
    {
        using var host = new Host();
        using var requests = new HostRequests(host, hardwareAnswers: true);
        host.Bind(host.DeviceA, host.Process("P"), 1);
        PageRequest request = new() { Device = host.DeviceA, Pasid = pasid is { } number ? new Ioasid(number) : null, Rights = rights, IsLastInGroup = isLast };

        request.IsStopMarker.Should().Be(isMarker);
        requests.Queue.TryEnqueue(request).Should().Be(!isMarker);

        requests.Responses.Should().BeEmpty();
        requests.Queue.Process().Should().Be(isMarker ? 0 : 1);
    }

    [Fact]
    public void A_stop_marker_reaches_the_thread_where_the_hardware_does_not_look_at_it()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        host.Bind(host.DeviceA, host.Process("P"), 1);

        requests.Ask(host.DeviceA, 1, 0, PageRequestRights.None).Should().Be(PageResponseCode.InvalidRequest, "nothing is mapped");
    }

    [Fact]
    public void Requests_are_lost_while_the_queue_is_overflowed_though_there_is_room()
    {
        using var host = new Host(KernelProfile.Default with { PageRequests = PageRequestRules.Linux58 });
        using var requests = new HostRequests(host, capacity: 4, hardwareAnswers: true);
        PageRequest request = Request(host.DeviceA, null);
        for (int i = 0; i < 4; i++)
        {
            requests.Queue.TryEnqueue(request).Should().Be(i < 3);
        }

        requests.Queue.IsPending.Should().BeTrue();
        List<bool> inside = [];
        requests.Inside = _ => inside.Add(requests.Queue.TryEnqueue(request with { IsLastInGroup = false }));
        requests.Queue.Process().Should().Be(3);

        inside.Should().Equal(false, false, false);
        (requests.Queue.IsPending, requests.Queue.HasOverflowed).Should().Be((false, false));
        requests.Queue.GetStatistics().Overflows.Should().Be(4);
        requests.Queue.TryEnqueue(request).Should().BeTrue();
    }

    [Fact]
    public void TryEnqueue_refuses_what_no_descriptor_can_say()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        PageRequest request = Request(host.DeviceA, 1);

        requests.Queue.Invoking(q => q.TryEnqueue(request with { Pasid = new Ioasid(1 << 20) })).Should().Throw<ArgumentException>().WithMessage("The PASID is 1048576: a descriptor has 20 bits for it, give 0 to 1048575.*");
        requests.Queue.Invoking(q => q.TryEnqueue(request with { Device = host.DeviceFar })).Should().Throw<ArgumentException>().WithMessage("The request comes from the device 'devF', which is behind the IOMMU 'iommu1', and the queue is that of the IOMMU 'iommu0': give it to the queue of its own.*");
        (request with { Address = 0x12345 }).Address.Should().Be(0x12000);
        FluentActions.Invoking(() => new HostRequests(host)).Should().Throw<InvalidOperationException>().WithMessage("The IOMMU 'iommu0' has a page request queue already: dispose that one first.");
        requests.Queue.Tail.Should().Be(0);
    }

    [Fact]
    public void WriteDescriptor_gives_the_words_that_hardware_and_driver_see()
    {
        var device = new SvmDevice("device", new Iommu("iommu")) { SourceId = 0x1234 };
        PageRequest request = new()
        {
            Device = device,
            Pasid = new Ioasid(0xABCDE),
            Address = 0xFFFF_8000_0000_1FFF,
            Rights = PageRequestRights.Read | PageRequestRights.Write | PageRequestRights.Execute | PageRequestRights.Privileged,
            GroupIndex = 511,
            IsLastInGroup = true,
            PrivateData = new UInt128(2, 1),
        };
        ulong[] words = new ulong[4];

        request.WriteDescriptor(words);
        words.Should().Equal(0x003A_BCDE_1234_0301, 0xFFFF_8000_0000_1FFF, 1, 2);
        new PageRequest { Device = device, Address = 0x5000 }.WriteDescriptor(words);
        words.Should().Equal(0x1234_0001, 0x5000, 0, 0);

        PageResponse response = new(device, new Ioasid(0xABCDE), 511, PageResponseCode.ResponseFailure, new UInt128(2, 1)) { IsLastInGroup = true };
        response.WriteDescriptor(words);
        words.Should().Equal(0x000A_BCDE_1234_F039, 0xFFC, 1, 2);
        response.RequesterId.Should().Be(0x1234);
        new PageResponse(device, null, 0, PageResponseCode.Success, null).WriteDescriptor(words);
        words.Should().Equal(0x1234_0009, 0, 0, 0);

        FluentActions.Invoking(() => request.WriteDescriptor(new ulong[3])).Should().Throw<ArgumentException>().WithMessage("A descriptor has 4 words of 64 bits, and there is room for 3.*");
        FluentActions.Invoking(() => default(PageRequest).WriteDescriptor(words)).Should().Throw<ArgumentException>().WithMessage("The request comes from no device*");
    }

    [Fact]
    public void Process_writes_and_reads_its_registers_as_the_kernel_does()
    {
        using var host = new Host();
        using var requests = new HostRequests(host);
        requests.Queue.TryEnqueue(Request(host.DeviceA, 77));
        requests.Queue.TryEnqueue(Request(host.DeviceA, null));

        requests.Queue.Process();

        requests.Trace.Should().Equal("write PRS 0x1", "read PQT 0x40", "read PQH 0x0", "log invalid PASID", "log no PASID", "write PQH 0x40", "read PRS 0x0");
    }

    private static PageRequest Request(SvmDevice device, uint? pasid) =>
        new() { Device = device, Pasid = pasid is { } number ? new Ioasid(number) : null, Rights = Read, IsLastInGroup = true };
}

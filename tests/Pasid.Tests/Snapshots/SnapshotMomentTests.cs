using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Snapshots;

/// <summary>A capture is of one moment, and a restore changes everything or nothing, whatever goes on beside them.</summary>
public sealed class SnapshotMomentTests
{
    [Fact]
    public void Capture_beside_a_request_that_is_answered_pictures_it_as_done_or_not_begun()
    {
        using var answering = new AnsweringHost();
        Host host = answering.Host;
        PasidSnapshot? snapshot = null;
        var capture = new Thread(() => snapshot = host.Binder.CaptureSnapshot());
        capture.Start();

        answering.Finish(capture);

        (snapshot!.File.AddressSpaces[0].ExtraUsers, snapshot.PageRequestCount).Should().Be((0, 0));
        host.Binder.Restore(snapshot, Finding(host, answering.Process));
        answering.Process.Exit();
        host.Unbind(host.DeviceA, 1);
        answering.Process.IsDestroyed.Should().BeTrue();
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Restore_beside_a_request_that_is_answered_waits_for_the_handler_and_resets_no_user_under_it()
    {
        Exception? thrown = null;
        using var answering = new AnsweringHost(a => thrown = Record(() => a.Requests.Queue.Process()));
        Host host = answering.Host;
        var restore = new Thread(() => host.Binder.Restore(answering.Before, Finding(host, answering.Process)));
        restore.Start();

        answering.Finish(restore);

        thrown.Should().BeNull();
        answering.Process.Users.Should().Be(1);
        host.ShouldBeWhole();
    }

    /// <summary>Steps that one thread takes in order are pictured in that order: never a later one without those before it.</summary>
    [Fact]
    public void Capture_beside_steps_that_take_no_gate_pictures_no_later_one_without_those_before()
    {
        using var host = new Host(configure: static options => options.Observer = null);
        using var first = new HostRequests(host, capacity: 64);
        using var second = new HostRequests(host, capacity: 64, iommu: host.Iommu1);
        AddressSpace[] processes = [host.Process("P"), host.Process("Q")];
        SvmThread[] threads = [.. processes.Select(process => process.CreateThread(process.Name))];
        host.Bind(host.DeviceA, processes[0], 1);
        host.Bind(host.DeviceA, processes[1], 2);
        var map = new PasidSnapshotMap { NameData = static data => (string)data };
        var portal = new Portal();
        PageRequest request = new() { Device = host.DeviceA };
        for (int round = 0; round < Effort.Rounds(200); round++)
        {
            // In the order opposite to that of any walk over the host, and back.
            foreach (int[] order in new[] { new[] { 0, 1 }, [1, 0] })
            {
                using var isBegun = new ManualResetEventSlim();
                var steps = new Thread(() =>
                {
                    isBegun.Set();
                    Array.ForEach(order, i => processes[i].TryAddUser());
                    Array.ForEach(order, i => processes[i].Portals.Map(4096, portal));
                    Array.ForEach(order, i => (i == 0 ? first : second).Queue.TryEnqueue(request with { Device = i == 0 ? host.DeviceA : host.DeviceFar }));
                    Array.ForEach(order, i => threads[i].Enqcmd(4096, new byte[64]));
                    host.Allocator.Allocate(new IoasidRange(100, 100), data: "data");
                });
                steps.Start();
                isBegun.Wait();
                SnapshotFile snapshot = host.Binder.CaptureSnapshot(map).File;
                steps.Join();

                bool[] taken =
                [
                    .. order.Select(i => snapshot.AddressSpaces[i].ExtraUsers != 0),
                    .. order.Select(i => snapshot.AddressSpaces[i].Portals is not null),
                    .. order.Select(i => snapshot.Queues![i].Requests.Count != 0),
                    .. order.Select(i => snapshot.AddressSpaces[i].Threads![0].Msr != 0),
                    snapshot.Ids.Any(id => id.Id == 100),
                ];
                taken.SkipWhile(isTaken => isTaken).Should().NotContain(true, $"{string.Join(' ', taken)} in round {round}");
                host.Allocator.Free(new Ioasid(100));
                first.Queue.Process();
                second.Queue.Process();
                for (int i = 0; i < 2; i++)
                {
                    processes[i].Portals.Unmap(4096);
                    processes[i].DropUser();

                    // The next one comes first: with its last thread the process would exit.
                    SvmThread next = processes[i].CreateThread(processes[i].Name);
                    threads[i].Exit();
                    threads[i] = next;
                }
            }
        }
    }

    /// <summary>What the other binder holds: bound, private, only remembered, or lost by a quirk. Nothing in the allocator tells the last two.</summary>
    public static TheoryData<string, string> Holdings() => new()
    {
        { nameof(KernelProfile.Default), "bound" },
        { nameof(KernelProfile.Default), "private" },
        { nameof(KernelProfile.Default), "remembered" },
        { nameof(KernelProfile.Linux56), "bound" },
        { nameof(KernelProfile.Seed), "lost" },
    };

    [Theory]
    [MemberData(nameof(Holdings))]
    public void Capture_and_restore_over_an_allocator_of_which_another_binder_holds_ids_are_refused_and_change_nothing(string profile, string holding)
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        using var other = new SvmBinder(host.Allocator, new PasidOptions { Profile = (KernelProfile)typeof(KernelProfile).GetProperty(profile)!.GetValue(null)! });
        AddressSpace others = other.CreateAddressSpace("others");
        SvmBinding binding = other.Bind(host.DeviceA, others, holding is "private" or "lost" ? SvmBindFlags.Private : SvmBindFlags.None);
        if (holding is "remembered" or "lost")
        {
            binding.Dispose();
        }

        string before = host.State();

        host.Binder.Invoking(b => b.Restore(snapshot, Finding(host, process))).Should().Throw<InvalidOperationException>().WithMessage("Another binder holds ids of the same allocator*");
        host.Binder.Invoking(b => b.CaptureSnapshot()).Should().Throw<InvalidOperationException>().WithMessage("Another binder holds ids of the same allocator*");

        host.State().Should().Be(before);
        host.ShouldBeWhole();
        other.CheckIntegrity().Where(finding => finding.Quirk == KernelQuirks.None).Should().BeEmpty();
        other.Dispose();
        host.Binder.Restore(snapshot, Finding(host, process)).Should().Equal(process);
        process.Exit();
        host.Unbind(host.DeviceA, 1);
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Capture_is_not_refused_once_the_other_binder_holds_nothing()
    {
        using var host = new Host();
        using var other = new SvmBinder(host.Allocator);
        AddressSpace others = other.CreateAddressSpace("others");
        SvmBinding binding = other.Bind(host.DeviceA, others);
        binding.Dispose();
        others.Exit();

        host.Binder.CaptureSnapshot().LiveCount.Should().Be(0);
    }

    [Fact]
    public void Restore_whose_queue_is_disposed_meanwhile_changes_nothing()
    {
        using var host = new Host();
        var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA });
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        host.Bind(host.DeviceB, process, 1);
        string before = host.State();
        PasidSnapshotMap map = Finding(host, process);
        Func<string, SvmDevice?> find = map.FindDevice;
        map.FindDevice = name =>
        {
            requests.Dispose();
            return find(name);
        };

        host.Binder.Invoking(b => b.Restore(snapshot, map)).Should().Throw<FormatException>().WithMessage("*it has 1 page request queues, and 0 are attached*");

        host.State().Should().Be(before);
    }

    [Fact]
    public void Restore_takes_the_place_of_portals_that_are_mapped_meanwhile()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        var portal = new Portal();
        process.Portals.Map(0, portal);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        process.Portals.Unmap(0);
        PasidSnapshotMap map = Finding(host, process);
        map.FindPortal = _ =>
        {
            process.Portals.Map(0, new Portal());
            process.Portals.Map(4096, new Portal());
            return portal;
        };

        host.Binder.Restore(snapshot, map);

        process.Portals.Count.Should().Be(1);
        process.Portals.TryFind(0, out IEnqcmdPortal? found).Should().BeTrue();
        found.Should().BeSameAs(portal);
    }

    [Fact]
    public void Restore_that_is_interrupted_while_it_waits_for_a_handler_changes_everything()
    {
        using var answering = new AnsweringHost();
        Host host = answering.Host;
        using var empty = new Host();
        PasidSnapshot snapshot = empty.Binder.CaptureSnapshot();
        Exception? thrown = null;
        var restore = new Thread(() => thrown = Record(() => host.Binder.Restore(snapshot)));
        restore.Start();
        var spinner = default(SpinWait);
        while (!restore.ThreadState.HasFlag(ThreadState.WaitSleepJoin))
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }

        restore.Interrupt();
        answering.Finish(restore);

        thrown.Should().BeNull();
        host.Live().Should().BeEmpty();
        host.Binder.GetBindings().Should().BeEmpty();
        host.ShouldBeWhole();
    }

    [Fact]
    public void A_pasid_that_two_quirks_lose_twice_is_one_loss_and_can_be_restored()
    {
        KernelProfile profile = KernelProfile.Seed;
        using var host = new Host(profile, configure: static options => options.CpuHasEnqcmd = false);
        AddressSpace parent = host.Process("P");
        host.Bind(host.DeviceA, parent, 1);
        host.Unbind(host.DeviceA, 1);
        AddressSpace child = parent.Fork("C");
        child.Exit();
        parent.Exit();

        host.Binder.GetLeakedPasids().Should().Equal(new Ioasid(1));
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        host.Binder.Restore(snapshot);
        host.Binder.CaptureSnapshot().ShouldEqual(snapshot);
    }

    [Fact]
    public void A_user_that_a_quirk_left_behind_and_somebody_dropped_can_be_restored()
    {
        using var host = new Host(KernelProfile.Linux56);
        using var requests = new HostRequests(host);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        requests.Ask(host.DeviceA, 1, 1ul << 60);
        process.DropUser();

        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();

        snapshot.File.AddressSpaces[0].LeakedUsers.Should().Be(0);
        host.Binder.Restore(snapshot, Finding(host, process));
        host.ShouldBeWhole();
    }

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(0, Effort.Rounds(60))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_a_host_captures_of_itself_it_restores_whatever_its_quirks(int seed)
    {
        var random = new Random(seed);
        KernelQuirks all = Enum.GetValues<KernelQuirks>().Aggregate((left, right) => left | right);
        var profile = new KernelProfile("any", (PasidLifetime)random.Next(2), (KernelQuirks)random.Next((int)all + 1) & all);
        using var host = new Host(profile, pasidLimit: 12, options => options.CpuHasEnqcmd = random.Next(2) == 0) { IsDamaged = true };
        using var requests = new HostRequests(host, capacity: 8);
        var walk = new RandomWalk(host, seed);
        for (int round = 0; round < 12; round++)
        {
            walk.Go(15);
            AskAndPin(random, host, requests, walk);
            Dictionary<string, AddressSpace> kept = walk.AddressSpaces.ToDictionary(space => space.Name);
            PasidSnapshotMap map = new()
            {
                FindDevice = name => walk.Devices.FirstOrDefault(device => device.Name == name),
                FindAddressSpace = name => kept.GetValueOrDefault(name),
                NameData = static data => (string)data,
                FindData = static name => name,
            };
            PasidSnapshot snapshot = host.Binder.CaptureSnapshot(map);

            host.Binder.Restore(snapshot, map);

            host.Binder.CaptureSnapshot(map).ShouldEqual(snapshot, $"seed {seed}, {profile.Quirks}");
        }
    }

    /// <summary>What the walk does not do: requests, users, pins, threads.</summary>
    private static void AskAndPin(Random random, Host host, HostRequests requests, RandomWalk walk)
    {
        AddressSpace space = walk.AddressSpaces[random.Next(walk.AddressSpaces.Count)];
        requests.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid((uint)random.Next(1, 8)), Address = random.Next(3) == 0 ? 1ul << 60 : 0, IsLastInGroup = true });
        switch (random.Next(6))
        {
            case 0 when space.TryAddUser():
                break;
            case 1 when space.Users > 1 && space.GetThreads().Count == 0:
                space.DropUser();
                break;
            case 2 when !space.IsDestroyed:
                space.AddPin();
                break;
            case 3 when !space.HasExited:
                space.CreateThread("thread");
                break;
            case 4:
                requests.Queue.Process();
                break;
        }
    }

    private static PasidSnapshotMap Finding(Host host, AddressSpace process) => new()
    {
        FindDevice = name => new[] { host.DeviceA, host.DeviceB, host.DeviceFar }.FirstOrDefault(device => device.Name == name),
        FindAddressSpace = name => name == process.Name ? process : null,
    };

    private static Exception? Record(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception exception) when (exception is InvalidOperationException or ThreadInterruptedException)
        {
            return exception;
        }
    }

    private sealed class Portal : IEnqcmdPortal
    {
        public string Name => "portal";

        public bool Submit(in EnqcmdCommand command) => true;
    }
}

using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Who uses and who pins an address space, and what happens when they go.</summary>
public sealed class UsersAndPinsTests
{
    [Fact]
    public void An_address_space_exits_when_its_process_and_all_who_came_have_left()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.CreateThread("T");
        process.TryAddUser().Should().BeTrue();
        process.Users.Should().Be(2);
        host.TakeEvents();

        process.Exit();
        process.Users.Should().Be(1);
        process.HasExited.Should().BeFalse();
        host.TakeEvents().Should().BeEmpty("somebody still uses the page tables");
        process.DropUser();

        process.HasExited.Should().BeTrue();
        process.TryAddUser().Should().BeFalse();
        host.TakeEvents().Should().Equal("tear_down iommu0 devA pasid=1 fault_ignore", "iommu0 pasid_cache pasid=1 did=1", "iommu0 iotlb pasid=1 did=1");
    }

    [Fact]
    public void DropUser_of_the_process_or_a_thread_is_refused()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        process.CreateThread("T");

        process.Invoking(p => p.DropUser()).Should().Throw<InvalidOperationException>().WithMessage("Nobody uses the address space 'P'*");

        process.Users.Should().Be(1);
        process.TryAddUser();
        process.DropUser();
        process.Invoking(p => p.DropUser()).Should().Throw<InvalidOperationException>();
    }

    [Fact]
    public void A_pin_delays_the_destruction_and_the_free_beyond_exit_and_unbind()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.AddPin();
        process.Pins.Should().Be(2);
        process.Exit();
        host.Unbind(host.DeviceA, 1);
        process.IsDestroyed.Should().BeFalse();
        host.Live().Should().Equal(1);
        host.Binder.Lookup(new Ioasid(1), out _).Should().Be(PasidStatus.InvalidArgument, "the PASID is allocated, and nothing is bound");
        host.TakeEvents();

        process.DropPin();

        process.IsDestroyed.Should().BeTrue();
        host.TakeEvents().Should().Equal("mm_destroy P", "ioasid_free 1");
        host.Live().Should().BeEmpty();
        process.Invoking(p => p.DropPin()).Should().Throw<InvalidOperationException>().WithMessage("*no pin left*");
        process.Invoking(p => p.AddPin()).Should().Throw<InvalidOperationException>().WithMessage("*'P' is destroyed*");
    }

    [Fact]
    public void A_pin_of_a_process_that_lives_destroys_nothing_when_it_goes()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        process.AddPin();
        process.DropPin();

        process.IsDestroyed.Should().BeFalse();
        process.Exit();
        process.IsDestroyed.Should().BeTrue();
    }

    [Theory]
    [InlineData(nameof(KernelProfile.Default))]
    [InlineData(nameof(KernelProfile.Seed))]
    public void A_fork_that_fails_drops_the_half_made_child_and_under_the_quirk_its_parents_pasid(string profile)
    {
        var kernel = (KernelProfile)typeof(KernelProfile).GetProperty(profile)!.GetValue(null)!;
        using var host = new Host(kernel);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        string before = host.State();
        host.Armed = SvmFaultPoint.AddressSpaceCopy;

        process.Invoking(p => p.Fork("C")).Should().Throw<PasidException>().Which.Status.Should().Be(PasidStatus.OutOfMemory);

        host.Armed = null;
        if (kernel == KernelProfile.Default)
        {
            host.State().Should().Be(before);
            return;
        }

        host.Live().Should().BeEmpty("the child freed the number that it did not own");
        host.Binder.CheckIntegrity().Should().Contain(finding => finding.Invariant == IntegrityInvariant.HeldIdsAreLive && finding.Quirk == KernelQuirks.ForkCopiesPasid);
        host.Bind(host.DeviceB, host.Process("Q"), 1);
        host.Binder.CheckIntegrity().Should().Contain(finding => finding.Invariant == IntegrityInvariant.PasidHasOneAddressSpace);
    }

    [Fact]
    public void A_fork_whose_injector_throws_drops_the_child_and_passes_the_exception_on()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        string before = host.State();
        host.Armed = SvmFaultPoint.AddressSpaceCopy;
        host.ArmedStatus = (PasidStatus)3;

        process.Invoking(p => p.Fork("C")).Should().Throw<InvalidOperationException>().WithMessage("*is no status*");

        host.State().Should().Be(before);
    }

    [Fact]
    public void Users_that_come_and_go_on_several_threads_beside_the_exit_leave_nothing()
    {
        for (int round = 0; round < 200; round++)
        {
            using var host = new Host();
            AddressSpace process = host.Process("P");
            host.Bind(host.DeviceA, process, 1);
            using var start = new Barrier(3);
            void Use()
            {
                start.SignalAndWait();
                while (process.TryAddUser())
                {
                    process.DropUser();
                }
            }

            Thread[] threads = [new(Use), new(Use)];
            Array.ForEach(threads, thread => thread.Start());
            start.SignalAndWait();
            process.Exit();
            Array.ForEach(threads, thread => thread.Join());

            process.Users.Should().Be(0);
            process.HasExited.Should().BeTrue();
            host.Unbind(host.DeviceA, 1);
            process.IsDestroyed.Should().BeTrue();
        }
    }

    [Fact]
    public void After_the_binder_is_disposed_users_and_pins_still_go()
    {
        var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        SvmThread thread = process.CreateThread("T");
        process.AddPin();
        process.TryAddUser();
        host.Dispose();

        process.Invoking(p => p.CreateThread("U")).Should().Throw<ObjectDisposedException>();
        process.Invoking(p => p.AddPin()).Should().Throw<ObjectDisposedException>();
        thread.Exit();
        process.Exit();
        process.DropUser();
        process.DropPin();

        process.IsDestroyed.Should().BeTrue();
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void DropUser_twice_of_one_user_is_refused_the_second_time_also_after_the_exit()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.TryAddUser().Should().BeTrue();
        process.Exit();
        process.DropUser();

        process.Invoking(p => p.DropUser()).Should().Throw<InvalidOperationException>().WithMessage("Nobody uses the address space 'P' who came by TryAddUser*");

        (process.Users, process.HasExited).Should().Be((0, true));
        host.Unbind(host.DeviceA, 1);
        process.IsDestroyed.Should().BeTrue();
    }

    [Fact]
    public void Last_users_that_are_dropped_at_once_once_too_often_leave_once()
    {
        for (int round = 0; round < Effort.Rounds(2_000); round++)
        {
            using var binder = new SvmBinder();
            AddressSpace process = binder.CreateAddressSpace("P");
            process.TryAddUser().Should().BeTrue();
            process.Exit();
            using var begin = new Barrier(2);
            int refused = 0;
            void Drop()
            {
                begin.SignalAndWait();
                try
                {
                    process.DropUser();
                }
                catch (InvalidOperationException)
                {
                    Interlocked.Increment(ref refused);
                }
            }

            var other = new Thread(Drop);
            other.Start();
            Drop();
            other.Join();

            (process.Users, process.HasExited, process.IsDestroyed, refused).Should().Be((0, true, true, 1), $"round {round}");
        }
    }

    [Fact]
    public void Users_and_pins_stop_at_their_limit_with_an_error()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot()
            .With(file => file with { AddressSpaces = [file.AddressSpaces[0] with { ExtraUsers = int.MaxValue - 1, ExtraPins = int.MaxValue - 1 }] });
        host.Binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA, FindAddressSpace = _ => process });
        process.TryAddUser().Should().BeTrue();
        process.AddPin();

        process.Invoking(p => p.TryAddUser()).Should().Throw<PasidException>().Which.Status.Should().Be(PasidStatus.Overflow);
        process.Invoking(p => p.AddPin()).Should().Throw<PasidException>().Which.Status.Should().Be(PasidStatus.Overflow);

        (process.Users, process.Pins).Should().Be((1L + int.MaxValue, 1L + int.MaxValue));
        process.DropUser();
        process.DropPin();
        (process.Users, process.Pins).Should().Be((int.MaxValue, int.MaxValue));
        host.Binder.CaptureSnapshot().File.AddressSpaces[0].ExtraUsers.Should().Be(int.MaxValue - 1);
    }

    [Fact]
    public void Clone_and_fork_of_a_thread_that_has_exited_are_refused()
    {
        using var host = new Host();
        SvmThread thread = host.Process("P").CreateThread("T");
        thread.Exit();

        thread.Invoking(t => t.Clone("U")).Should().Throw<InvalidOperationException>().WithMessage("The thread 'T' has exited*");
        thread.Invoking(t => t.Fork("C")).Should().Throw<InvalidOperationException>().WithMessage("The thread 'T' has exited*");
        thread.AddressSpace.Users.Should().Be(0);
    }

    [Fact]
    public void Fork_of_a_thread_is_one_step()
    {
        using var host = new Host();
        SvmThread thread = host.Process("P").CreateThread("T");

        SvmThread child = thread.Fork("C");

        child.AddressSpace.Name.Should().Be("C");
        child.AddressSpace.GetThreads().Should().Equal(child);
        child.AddressSpace.Users.Should().Be(1);
        host.Armed = SvmFaultPoint.AddressSpaceCopy;
        thread.Invoking(t => t.Fork("D")).Should().Throw<PasidException>().WithMessage("*the fault injector answered OutOfMemory at AddressSpaceCopy*");
    }

    [Fact]
    public void A_restore_that_forgets_a_pinned_process_that_has_exited_leaves_its_destruction_to_the_last_pin()
    {
        using var host = new Host();
        PasidSnapshot empty = host.Binder.CaptureSnapshot();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        process.AddPin();
        process.Exit();
        host.Binder.Restore(empty);
        int destroyed = 0;
        host.InsideObserver = svmEvent => destroyed += svmEvent.Kind == SvmEventKind.AddressSpaceDestroyed ? 1 : 0;

        process.IsDestroyed.Should().BeFalse("a pin is left");
        process.DropPin();

        process.IsDestroyed.Should().BeTrue();
        process.Invoking(p => p.DropPin()).Should().Throw<InvalidOperationException>();
        destroyed.Should().Be(1);
        host.ShouldBeWhole();
    }
}

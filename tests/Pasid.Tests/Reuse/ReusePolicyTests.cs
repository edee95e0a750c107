using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Reuse;

/// <summary>How soon a freed id comes back; random calls are in the model tests, threads in the linearizability tests.</summary>
public sealed class ReusePolicyTests
{
    private static readonly IoasidRange s_four = new(1, 4);

    [Fact]
    public void LowestFirst_is_the_default_and_gives_the_id_that_was_just_freed()
    {
        var allocator = new IoasidAllocator();
        allocator.ReusePolicy.Should().Be(IoasidReusePolicy.LowestFirst);
        Take(allocator, s_four, 1, 2, 3);
        allocator.Free(new Ioasid(2));

        Take(allocator, s_four, 2, 4);
    }

    [Fact]
    public void Cyclic_goes_on_above_the_last_id_and_wraps_at_the_end_of_the_range()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Cyclic);
        Take(allocator, s_four, 1, 2);
        allocator.Free(new Ioasid(1));
        Take(allocator, s_four, 3, 4, 1);
        allocator.Free(new Ioasid(3));
        allocator.Free(new Ioasid(1));

        Take(allocator, s_four, 3, 1);
        Fails(allocator, s_four);
    }

    [Fact]
    public void Id_0_is_an_id_and_no_failure()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Cyclic);
        Take(allocator, new IoasidRange(0, 0), 0);
        allocator.GetStatistics().Failures.Should().BeEmpty();

        Fails(allocator, new IoasidRange(0, 0));

        allocator.GetStatistics().Failures.Should().ContainKey(PasidStatus.NoSpace).WhoseValue.Should().Be(1);
    }

    [Fact]
    public void Cyclic_has_one_cursor_for_all_ranges()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Cyclic);
        Take(allocator, new IoasidRange(100, 200), 100);

        Take(allocator, s_four, 1, 2);
        Take(allocator, new IoasidRange(100, 200), 101);
        Take(allocator, new IoasidRange(0, 200), 102);
    }

    [Fact]
    public void Cyclic_at_the_last_id_of_all_begins_anew()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Cyclic);
        var top = new IoasidRange(uint.MaxValue - 2, uint.MaxValue);
        Take(allocator, top, uint.MaxValue - 2, uint.MaxValue - 1);
        allocator.Free(Ioasid.MaxValue);

        Take(allocator, top, uint.MaxValue - 1);
        Fails(allocator, top);
    }

    [Fact]
    public void Quarantine_gives_an_id_again_after_so_many_other_frees()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Quarantine(2));
        Take(allocator, IoasidRange.Pasids, 1, 2, 3);
        allocator.Free(new Ioasid(1));
        Take(allocator, IoasidRange.Pasids, 4);
        allocator.Free(new Ioasid(2));
        Take(allocator, IoasidRange.Pasids, 5);

        allocator.Free(new Ioasid(3));

        Take(allocator, IoasidRange.Pasids, 1, 6);
        allocator.CheckIntegrity().Should().BeEmpty();
    }

    [Fact]
    public void An_id_in_quarantine_is_not_live()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Quarantine(8));
        Take(allocator, IoasidRange.Pasids, 1, 2, 3);
        allocator.Free(new Ioasid(1)).Should().Be(PasidStatus.Success);
        allocator.DropReference(new Ioasid(2)).Should().Be(IoasidRelease.Freed);

        allocator.LiveIds().Should().Equal(new Ioasid(3));
        allocator.LiveCount.Should().Be(1);
        allocator.Lookup(new Ioasid(1), out _).Should().Be(PasidStatus.NotFound);
        allocator.Free(new Ioasid(1)).Should().Be(PasidStatus.NotFound);
        allocator.SetData(new Ioasid(1), "data").Should().Be(PasidStatus.NotFound);
        allocator.AddReference(new Ioasid(2)).Should().Be(PasidStatus.NotFound);
        allocator.DropReference(new Ioasid(2)).Should().Be(IoasidRelease.Unknown);
    }

    [Fact]
    public void An_exhausted_range_fails_while_ids_are_in_quarantine_or_gives_the_oldest()
    {
        var failing = new IoasidAllocator(IoasidReusePolicy.Quarantine(8));
        var releasing = new IoasidAllocator(IoasidReusePolicy.Quarantine(8, QuarantineExhaustion.ReleaseOldest));
        foreach (IoasidAllocator allocator in new[] { failing, releasing })
        {
            Take(allocator, s_four, 1, 2, 3, 4);
            allocator.Free(new Ioasid(3));
            allocator.Free(new Ioasid(1));
            allocator.Free(new Ioasid(4));
        }

        Fails(failing, s_four);
        Fails(releasing, new IoasidRange(2, 2));
        Take(releasing, new IoasidRange(1, 2), 1);
        Take(releasing, s_four, 3, 4);
        Fails(releasing, s_four);
        releasing.CheckIntegrity().Should().BeEmpty();
    }

    [Fact]
    public void Ids_far_apart_come_out_of_quarantine_and_their_pages_are_given_back()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Quarantine(3, QuarantineExhaustion.ReleaseOldest));
        uint[] places = [5, 3_000, 300_000, 3_000_000, uint.MaxValue - 1];
        for (int round = 0; round < 50; round++)
        {
            foreach (uint place in places)
            {
                Take(allocator, new IoasidRange(place, place), place);
                allocator.Free(new Ioasid(place)).Should().Be(PasidStatus.Success);
            }

            allocator.CheckIntegrity().Should().BeEmpty();
        }

        allocator.LiveCount.Should().Be(0);
    }

    [Fact]
    public void A_binder_over_a_quarantine_gives_the_pasid_of_the_dead_to_nobody_for_a_while()
    {
        using var binder = new SvmBinder(new IoasidAllocator(IoasidReusePolicy.Quarantine(2)));
        var device = new SvmDevice("device", new Iommu("iommu"));

        Live().Should().Be(1);
        Live().Should().Be(2);
        Live().Should().Be(3);
        Live().Should().Be(1);

        uint Live()
        {
            using AddressSpace process = binder.CreateAddressSpace("process");
            using SvmBinding binding = binder.Bind(device, process);
            return binding.Pasid.Value;
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData((1 << 20) + 1)]
    public void Quarantine_for_a_number_of_frees_that_makes_no_sense_is_refused(int frees) =>
        FluentActions.Invoking(() => IoasidReusePolicy.Quarantine(frees)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*1 to 1048576*");

    [Fact]
    public void An_undefined_exhaustion_and_a_policy_that_is_null_are_refused()
    {
        FluentActions.Invoking(() => IoasidReusePolicy.Quarantine(1, (QuarantineExhaustion)2)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("*QuarantineExhaustion*");
        FluentActions.Invoking(() => new IoasidAllocator((IoasidReusePolicy)null!)).Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void Policies_that_say_the_same_are_equal_and_say_it_in_words()
    {
        IoasidReusePolicy.Quarantine(3).Should().Be(IoasidReusePolicy.Quarantine(3)).And.NotBe(IoasidReusePolicy.Quarantine(4));
        IoasidReusePolicy.Quarantine(3, QuarantineExhaustion.ReleaseOldest).ToString().Should().Be("Quarantine(3, ReleaseOldest)");
        IoasidReusePolicy.Cyclic.ToString().Should().Be("Cyclic");
    }

    [Fact]
    public void Custom_allocators_choose_as_they_please()
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Quarantine(4));
        var custom = new CustomIoasidAllocator("custom", new SpyFunctions(_ => 7));
        allocator.Register(custom).Should().Be(PasidStatus.Success);

        for (int round = 0; round < 3; round++)
        {
            Take(allocator, IoasidRange.Pasids, 7);
            allocator.Free(new Ioasid(7));
        }
    }

    [Fact]
    public void A_snapshot_remembers_the_cursor_and_who_is_in_quarantine()
    {
        foreach (IoasidReusePolicy policy in new[] { IoasidReusePolicy.Cyclic, IoasidReusePolicy.Quarantine(3), IoasidReusePolicy.Quarantine(4, QuarantineExhaustion.ReleaseOldest) })
        {
            for (int seed = 0; seed < 20; seed++)
            {
                var captured = new IoasidAllocator(policy);
                Walk(captured, seed, 40);
                using var stream = new MemoryStream();
                new SvmBinder(captured).CaptureSnapshot().Save(stream);
                stream.Position = 0;
                var restored = new IoasidAllocator(policy);
                Walk(restored, seed + 1_000, 25);

                new SvmBinder(restored).Restore(PasidSnapshot.Load(stream));

                Walk(restored, seed + 7, 60).Should().Equal(Walk(captured, seed + 7, 60), $"seed {seed}, {policy}");
                restored.CheckIntegrity().Should().BeEmpty();
            }
        }
    }

    [Fact]
    public void A_snapshot_brings_an_id_back_into_quarantine_that_is_far_from_all_live_ones()
    {
        var policy = IoasidReusePolicy.Quarantine(2);
        var captured = new IoasidAllocator(policy);
        Take(captured, new IoasidRange(70_000, 70_000), 70_000);
        captured.Free(new Ioasid(70_000));
        var restored = new IoasidAllocator(policy);

        new SvmBinder(restored).Restore(new SvmBinder(captured).CaptureSnapshot());

        restored.CheckIntegrity().Should().BeEmpty();
        restored.TryAllocate(new IoasidRange(70_000, 70_000), null, null, out _).Should().BeFalse("it is held back");
    }

    [Fact]
    public void A_snapshot_of_another_policy_is_refused()
    {
        SnapshotFile plain = new SvmBinder().CaptureSnapshot().File;
        var live = new[] { new IdEntry(5, 1) };

        Refuses(IoasidReusePolicy.LowestFirst, new(plain with { NextId = 4 }), "cyclic allocator");
        Refuses(IoasidReusePolicy.LowestFirst, new(plain with { HeldBackIds = [4] }), "holds 1 ids back");
        Refuses(IoasidReusePolicy.Quarantine(1), new(plain with { HeldBackIds = [4, 5] }), "holds 2 ids back");
        Refuses(IoasidReusePolicy.Quarantine(4), new(plain with { HeldBackIds = [4, 4] }), "id 4 is held back");
        Refuses(IoasidReusePolicy.Quarantine(4), new(plain with { HeldBackIds = [uint.MaxValue] }), "id 4294967295 is held back");
        Refuses(IoasidReusePolicy.Quarantine(4), new(plain with { HeldBackIds = [5], Ids = live, LiveCount = 1 }), "id 5 is held back");

        static void Refuses(IoasidReusePolicy policy, PasidSnapshot snapshot, string reason) =>
            new SvmBinder(new IoasidAllocator(policy)).Invoking(b => b.Restore(snapshot)).Should().Throw<FormatException>().WithMessage($"*{reason}*");
    }

    private static List<uint> Walk(IoasidAllocator allocator, int seed, int steps)
    {
        var random = new Random(seed);
        List<uint> answers = [];
        for (int i = 0; i < steps; i++)
        {
            var id = new Ioasid((uint)random.Next(1, 9));
            if (random.Next(2) == 0)
            {
                allocator.TryAllocate(new IoasidRange((uint)random.Next(1, 4), 8), null, null, out id);
                answers.Add(id.Value);
            }
            else
            {
                answers.Add((uint)allocator.Free(id));
            }
        }

        return answers;
    }

    private static void Take(IoasidAllocator allocator, IoasidRange range, params uint[] expected)
    {
        foreach (uint id in expected)
        {
            allocator.TryAllocate(range, null, null, out Ioasid given).Should().BeTrue();
            given.Should().Be(new Ioasid(id));
        }
    }

    private static void Fails(IoasidAllocator allocator, IoasidRange range)
    {
        allocator.TryAllocate(range, null, null, out Ioasid id).Should().BeFalse();
        id.Should().Be(Ioasid.Invalid);
    }
}

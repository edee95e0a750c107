using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Integrity;

/// <summary>The check finds what quirks leave behind and what is broken on purpose, and nothing else.</summary>
public sealed class IntegrityTests
{
    [Fact]
    public void A_host_without_quirks_is_whole_through_every_kind_of_call()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            using var host = new Host(KernelProfile.Default, pasidLimit: 12);
            new RandomWalk(host, seed).Go(120);

            host.Binder.CheckIntegrity().Should().BeEmpty($"seed {seed}");
        }
    }

    [Fact]
    public void Ids_in_every_part_of_the_id_space_are_whole()
    {
        var allocator = new IoasidAllocator();
        var random = new Random(5);
        IoasidSet?[] owners = [null, .. Enumerable.Range(0, 12).Select(i => new IoasidSet($"owner {i}"))];
        List<Ioasid> live = [];
        for (int i = 0; i < 4_000; i++)
        {
            uint minimum = random.Next(4) switch { 0 => 0, 1 => (uint)random.Next(5_000), 2 => (uint)random.Next(1 << 22), _ => uint.MaxValue - (uint)random.Next(3_000) };
            if (random.Next(5) < 3 && allocator.TryAllocate(new IoasidRange(minimum, uint.MaxValue - 1), owners[random.Next(owners.Length)], null, out Ioasid id))
            {
                live.Add(id);
                for (int references = random.Next(300) == 0 ? 5_000 : 0; references > 0; references--)
                {
                    allocator.AddReference(id);
                }
            }
            else if (live.Count != 0)
            {
                int at = random.Next(live.Count);
                if (allocator.DropReference(live[at]) == IoasidRelease.Freed)
                {
                    live.RemoveAt(at);
                }
            }
        }

        allocator.CheckIntegrity().Should().BeEmpty();
    }

    [Fact]
    public void A_pasid_that_fork_copied_is_found_with_its_quirk()
    {
        using var host = new Host(KernelProfile.Seed);
        AddressSpace parent = host.Process("parent");
        host.Bind(host.DeviceA, parent, 1);
        AddressSpace child = parent.Fork("child");
        Found(host).Should().Equal("PasidHasOneAddressSpace (ForkCopiesPasid): the address spaces 'child' and 'parent' both have PASID 1");

        child.Exit();

        Found(host).Should().Equal(
            "HeldIdsAreLive (ForkCopiesPasid): address space 'parent' has PASID 1, which is free",
            "HeldIdsAreLive (ForkCopiesPasid): the data of PASID 1 does not lead to its binding");
    }

    [Fact]
    public void A_leaked_pasid_is_found_with_its_quirk()
    {
        using var host = new Host(KernelProfile.Seed);
        host.Bind(host.DeviceA, host.Process("process"), 1, SvmBindFlags.Private);
        host.Unbind(host.DeviceA, 1);

        Found(host).Should().Equal("NothingLeaks (PrivateAndSupervisorPasidsLeak): PASID 1 was never freed");
    }

    [Fact]
    public void Stale_data_is_found_with_its_quirk()
    {
        using var host = new Host(KernelProfile.Seed with { Quirks = KernelQuirks.FailedRebindLeavesData });
        AddressSpace process = host.Process("process");
        host.Bind(host.DeviceA, process, 1);
        host.Unbind(host.DeviceA, 1);
        host.Armed = SvmFaultPoint.PasidEntrySetup;
        host.BindFails(host.DeviceA, process, PasidStatus.OutOfMemory);

        Found(host).Should().Equal("NoStaleData (FailedRebindLeavesData): the data of PASID 1 is a binding that is over");
    }

    [Fact]
    public void An_address_space_that_was_dropped_is_still_checked()
    {
        var allocator = new IoasidAllocator();
        using var binder = new SvmBinder(allocator, new PasidOptions { Profile = KernelProfile.Seed });
        Drop();
        GC.Collect();

        binder.CheckIntegrity().Should().ContainSingle().Which.Invariant.Should().Be(IntegrityInvariant.PasidHasOneAddressSpace);

        void Drop()
        {
            AddressSpace process = binder.CreateAddressSpace("dropped");
            binder.BindMm(new SvmDevice("device", new Iommu("iommu")), process, out _);
            process.Fork("child");
        }
    }

    [Fact]
    public void CheckIntegrity_from_inside_a_callback_is_refused()
    {
        using var host = new Host();
        host.InsideObserver = _ => host.Binder.CheckIntegrity();

        host.Binder.Invoking(b => b.BindMm(host.DeviceA, host.Process("process"), out _)).Should().Throw<InvalidOperationException>();
        host.InsideObserver = null;
    }

    public static TheoryData<string, Action<IoasidAllocator>, IntegrityInvariant> BrokenTables() => new()
    {
        { "map against record", t => Table(t).Ids.Leaves![0] |= 1ul << 5, IntegrityInvariant.LiveIdsAgree },
        { "record against map", t => Table(t).Pages.FirstPage[5].Word = 0, IntegrityInvariant.LiveIdsAgree },
        { "summary", t => Table(t).Ids.FirstMiddle ^= 1, IntegrityInvariant.LiveIdsAgree },
        { "root", t => Table(t).Ids.Root ^= 2, IntegrityInvariant.LiveIdsAgree },
        { "count of live ids", t => Table(t).Counts.Frees++, IntegrityInvariant.LiveIdsAgree },
        { "data of a free id", t => Table(t).Pages.FirstPage[500].Data = "stale", IntegrityInvariant.NoStaleData },
        { "no references", t => Table(t).Pages.FirstPage[5].Word = SlotWord.WithReferences(Table(t).Pages.FirstPage[5].Word, 0), IntegrityInvariant.CountsAgree },
        { "many references without a count", t => Table(t).Pages.FirstPage[5].Word = SlotWord.WithReferences(Table(t).Pages.FirstPage[5].Word, SlotWord.ManyReferences), IntegrityInvariant.CountsAgree },
        { "count of others' ids", t => Table(t).Counts.Others++, IntegrityInvariant.CountsAgree },
        { "owner without a name", t => Table(t).Pages.FirstPage[5].Word = SlotWord.Begin(0, 77), IntegrityInvariant.CountsAgree },
    };

    [Theory]
    [MemberData(nameof(BrokenTables))]
    public void A_table_that_is_broken_on_purpose_is_found(string what, Action<IoasidAllocator> damage, IntegrityInvariant expected)
    {
        var allocator = new IoasidAllocator();
        for (int i = 0; i < 400; i++)
        {
            allocator.Allocate(IoasidRange.Pasids);
        }

        allocator.CheckIntegrity().Should().BeEmpty();

        damage(allocator);

        allocator.CheckIntegrity().Should().Contain(finding => finding.Invariant == expected && finding.Quirk == KernelQuirks.None, what);
    }

    public static TheoryData<string, Action<IoasidAllocator>> BrokenQuarantines() => new()
    {
        { "too many", r => Reuse(r, 0).Hold(40) },
        { "a live one", r => Reuse(r, 1).Hold(9) },
        { "one that is not taken", r => Reuse(r, 1).Hold(200) },
        { "one twice", r => Reuse(r, 1).Hold(6) },
    };

    [Theory]
    [MemberData(nameof(BrokenQuarantines))]
    public void A_quarantine_that_is_broken_on_purpose_is_found(string what, Action<IoasidAllocator> damage)
    {
        var allocator = new IoasidAllocator(IoasidReusePolicy.Quarantine(2));
        for (int i = 0; i < 100; i++)
        {
            allocator.Allocate(IoasidRange.Pasids);
        }

        allocator.Free(new Ioasid(5));
        allocator.Free(new Ioasid(6));
        allocator.CheckIntegrity().Should().BeEmpty();

        damage(allocator);

        allocator.CheckIntegrity().Should().Contain(finding => finding.Invariant == IntegrityInvariant.ReuseWaits, what);
    }

    public static TheoryData<string, Action<SvmBinder, AddressSpace>, IntegrityInvariant> BrokenBinders() => new()
    {
        { "count of bindings", (b, _) => b.Bindings.Table.CountHook++, IntegrityInvariant.CountsAgree },
        { "count of address spaces", (b, _) => b.Bindings.Processes.KeptCountHook++, IntegrityInvariant.CountsAgree },
        { "users", (_, a) => a.SharedRecord!.NewestDevice!.Users = 0, IntegrityInvariant.CountsAgree },
        { "order", (_, a) => a.SharedRecord!.Number = long.MaxValue, IntegrityInvariant.CountsAgree },
        { "in a list twice", (_, a) => a.SharedRecord!.Older = a.SharedRecord, IntegrityInvariant.CountsAgree },
        { "users of its own", (_, a) => a.UserCount.AddOwn(1), IntegrityInvariant.CountsAgree },
        { "hidden", (_, a) => a.SharedRecord!.Release(PasidStatus.NotFound), IntegrityInvariant.CountsAgree },
        { "a device twice", (_, a) => a.SharedRecord!.Devices.Add(new SvmDeviceRecord { Device = a.SharedRecord!.FirstDevice, Users = 1 }), IntegrityInvariant.BindsAreIdempotent },
        { "not shared", (_, a) => a.Shared = null, IntegrityInvariant.BindsAreIdempotent },
        { "another PASID", (_, a) => a.Pasid = new Ioasid(2), IntegrityInvariant.BindsAreIdempotent },
        { "destroyed", (_, a) => a.IsDestroyed = true, IntegrityInvariant.BindingsPinAddressSpaces },
        { "freed behind its back", (b, _) => b.Allocator.Free(new Ioasid(1)), IntegrityInvariant.HeldIdsAreLive },
        { "data of another", (b, _) => b.Allocator.SetData(new Ioasid(1), "mine"), IntegrityInvariant.HeldIdsAreLive },
    };

    [Theory]
    [MemberData(nameof(BrokenBinders))]
    public void A_binder_that_is_broken_on_purpose_is_found(string what, Action<SvmBinder, AddressSpace> damage, IntegrityInvariant expected)
    {
        var binder = new SvmBinder();
        var device = new SvmDevice("device", new Iommu("iommu"));
        AddressSpace process = binder.CreateAddressSpace("process");
        binder.BindMm(device, process, out _);
        binder.BindMm(device, binder.CreateAddressSpace("second"), out _);
        binder.CheckIntegrity().Should().BeEmpty();

        damage(binder, process);

        binder.CheckIntegrity().Should().Contain(finding => finding.Invariant == expected && finding.Quirk == KernelQuirks.None, what);
    }

    private static IEnumerable<string> Found(Host host) => host.Binder.CheckIntegrity().Select(finding => finding.ToString());

    [Theory]
    [InlineData("root")]
    [InlineData("middles")]
    [InlineData("leaves")]
    public void A_map_of_the_further_ids_that_is_broken_on_purpose_is_found(string part)
    {
        var allocator = new IoasidAllocator();
        allocator.Allocate(new IoasidRange(1 << 18, uint.MaxValue));
        allocator.CheckIntegrity().Should().BeEmpty();
        IdBitmap block = Rows(allocator)[0]![1]!;

        switch (part)
        {
            case "root":
                block.Root &= ~1ul;
                break;
            case "middles":
                block.Middles[0] = 0;
                break;
            default:
                block.Leaves[0] = 0;
                break;
        }

        allocator.CheckIntegrity().Should().Contain(finding => finding.Invariant == IntegrityInvariant.LiveIdsAgree);
    }

    public static TheoryData<string, Action<IoasidAllocator>> BrokenFarTables() => new()
    {
        { "a block without pages", t => Further(t).Reserve(9u << 18) },
        { "a row without blocks", t => Rows(t)[5] = new IdBitmap?[128] },
        { "a block that is gone", t => Rows(t)[0]![1] = null },
        { "a block that is gone under the top", t => Rows(t)[127] = null },
        { "a block without most of its words", t => Rows(t)[0]![1]!.FirstLeaf += 16 },
        { "a directory without pages", t => Pages(t).Remove(uint.MaxValue - 1) },
        { "a directory that is gone", t => Pages(t).RemoveDirectory(uint.MaxValue - 1) },
        { "a directory without directories", t => Pages(t).Top![7] = new Slot[]?[]?[128] },
        { "a page that nobody needs", t => Pages(t).Add(9u << 25, SlotPages.NewPage()) },
        { "an empty page without its note", t => Pages(t).TakeEmptyAt(0) },
        { "more than may be kept", t => Table(t).Counts.Frees += 3 },
    };

    [Theory]
    [MemberData(nameof(BrokenFarTables))]
    public void What_is_kept_of_ids_far_apart_and_broken_on_purpose_is_found(string what, Action<IoasidAllocator> damage)
    {
        var allocator = new IoasidAllocator();
        allocator.Allocate(new IoasidRange((1 << 18) - 1, uint.MaxValue));
        allocator.Allocate(new IoasidRange(1 << 18, uint.MaxValue));
        allocator.Allocate(new IoasidRange(uint.MaxValue - 1, uint.MaxValue));
        allocator.Free(allocator.Allocate(new IoasidRange(1 << 20, uint.MaxValue)));
        allocator.Free(allocator.Allocate(new IoasidRange((1 << 21) - 1, uint.MaxValue)));
        allocator.CheckIntegrity().Should().BeEmpty();

        damage(allocator);

        allocator.CheckIntegrity().Should().Contain(finding => finding.Invariant == IntegrityInvariant.LiveIdsAgree, what);

        // The last of them by its own finding, and not only because the counts differ.
        allocator.CheckIntegrity().Select(finding => finding.Message).Should().Contain(message => what != "more than may be kept" || message.EndsWith("bytes are kept"));
    }

    private static IoasidTable Table(IoasidAllocator allocator) => allocator.Active.Table!;

    private static FurtherIds Further(IoasidAllocator allocator) => Table(allocator).Ids.Further!;

    private static IdBitmap?[]?[] Rows(IoasidAllocator allocator) => Further(allocator).Rows;

    private static FarPages Pages(IoasidAllocator allocator) => Table(allocator).Pages.Far!;

    /// <summary>A quarantine with room, after so many of its oldest were taken out.</summary>
    private static IoasidReuse Reuse(IoasidAllocator allocator, int taken)
    {
        IoasidReuse reuse = Table(allocator).Choice.Reuse!;
        reuse.Reserve();
        while (taken-- > 0)
        {
            reuse.TakeAt(0);
        }

        return reuse;
    }
}

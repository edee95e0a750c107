using System.Text;
using Pasid.Internal;
using Pasid.Tests.Support;
using static Pasid.Tests.Support.SnapshotEdit;

namespace Pasid.Tests.Snapshots;

public sealed class SnapshotTests
{
    private static readonly KernelProfile[] s_profiles = [KernelProfile.Default, KernelProfile.Seed, KernelProfile.Linux56];

    public static TheoryData<int> Seeds()
    {
        var seeds = new TheoryData<int>();
        for (int seed = 0; seed < 150; seed++)
        {
            seeds.Add(seed);
        }

        return seeds;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_restored_host_answers_every_later_call_as_the_captured_one(int seed)
    {
        KernelProfile profile = s_profiles[seed % 3];
        using Host captured = NewHost(profile);
        var original = new RandomWalk(captured, seed);
        original.Go(60);
        captured.TakeEvents();
        PasidSnapshot snapshot = Copy(captured.Binder.CaptureSnapshot(Naming()));

        using Host restored = NewHost(profile);
        var copy = new RandomWalk(restored, seed);
        copy.Go(seed % 60);
        restored.TakeEvents();
        IReadOnlyList<AddressSpace> addressSpaces = restored.Binder.Restore(snapshot, Finding(copy));

        State(restored).Should().Be(State(captured), $"seed {seed}");
        Copy(restored.Binder.CaptureSnapshot(Naming())).ShouldEqual(snapshot);
        copy = copy.ContinueAs(original, seed, addressSpaces);
        original = original.ContinueAs(original, seed, original.AddressSpaces);
        copy.Go(80).Should().Equal(original.Go(80), $"seed {seed}");
        State(restored).Should().Be(State(captured), $"seed {seed}");
        captured.Dispose();
        restored.Dispose();
        State(restored).Should().Be(State(captured), $"seed {seed}");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_host_goes_back_to_its_own_snapshot_with_its_own_address_spaces(int seed)
    {
        using Host host = NewHost(s_profiles[seed % 3]);
        var walk = new RandomWalk(host, seed);
        walk.Go(50);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot(Naming());
        Dictionary<string, AddressSpace> kept = Kept(host, walk);
        string before = Ids(host);
        walk.Go(50);

        IReadOnlyList<AddressSpace> restored = host.Binder.Restore(snapshot, Finding(walk, name => kept.GetValueOrDefault(name)));

        Ids(host).Should().Be(before, $"seed {seed}");
        host.Binder.CaptureSnapshot(Naming()).ShouldEqual(snapshot);
        restored.Select(a => a.Name).Should().Equal(snapshot.File.AddressSpaces.Select(a => a.Name));
        host.Dispose();
        host.Allocator.LiveIds().Where(id => IsBinders(snapshot, id.Value)).Should().BeEmpty();
    }

    [Fact]
    public void The_json_of_the_current_version_is_the_golden_file()
    {
        using Host host = NewHost(KernelProfile.Seed);
        var owner = new IoasidSet("owner");
        AddressSpace parent = host.Process("parent");
        host.Bind(host.DeviceA, parent, 1);
        host.Bind(host.DeviceFar, parent, 1);
        host.Binder.BindMm(host.DeviceB, parent, SvmBindFlags.Private, new Callbacks(), out _);
        host.Bind(host.DeviceA, null, 3, SvmBindFlags.Supervisor);
        host.Unbind(host.DeviceA, 3);
        parent.Fork("child");
        host.Allocator.TryAllocate(new IoasidRange(9, 9), owner, "data", out Ioasid id);
        host.Allocator.AddReference(id);
        parent.Exit();
        using var stream = new MemoryStream();
        host.Binder.CaptureSnapshot(Naming()).Save(stream);

        string golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Snapshots", "snapshot-v2.json")).TrimEnd();
        Encoding.UTF8.GetString(stream.ToArray()).Should().Be(golden);
        using Host restored = NewHost(KernelProfile.Seed);
        using var again = new MemoryStream(Encoding.UTF8.GetBytes(golden));
        restored.Binder.Restore(PasidSnapshot.Load(again), Finding(new RandomWalk(restored, 0)));
        State(restored).Should().Be(State(host));
    }

    [Theory]
    [InlineData("", "no snapshot")]
    [InlineData("null", "null")]
    [InlineData("[]", "no snapshot")]
    [InlineData("{", "no snapshot")]
    [InlineData("{\"ids\":[{\"id\":\"one\"}]}", "no snapshot")]
    [InlineData("{\"formatVersion\":1,\"surprise\":2}", "surprise")]
    public void Load_refuses_what_is_no_snapshot(string json, string message)
    {
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(json));

        FluentActions.Invoking(() => PasidSnapshot.Load(stream)).Should().Throw<FormatException>().WithMessage($"*{message}*");
    }

    [Fact]
    public void Load_of_a_stream_that_does_not_end_is_refused()
    {
        using var stream = new EndlessStream();

        FluentActions.Invoking(() => PasidSnapshot.Load(stream)).Should().Throw<FormatException>().WithMessage("*longer than 268435456 bytes*");
    }

    public static TheoryData<string, Func<PasidSnapshot, PasidSnapshot>> Impossible() => new()
    {
        { "one of its lists is missing", Edit(s => s with { Ids = null! }) },
        { "quirks ForkCopiesPasid", Edit(s => s with { Quirks = KernelQuirks.ForkCopiesPasid }) },
        { "lifetime Binding", Edit(s => s with { Lifetime = PasidLifetime.Binding }) },
        { "says 9 ids and has 4", Edit(s => s with { LiveCount = 9 }) },
        { "says 9 bindings and has 3", Edit(s => s with { BindingCount = 9 }) },
        { "id 1 is there twice", Edit(s => s with { LiveCount = 5, Ids = [.. s.Ids, s.Ids[0]] }) },
        { "4294967295 is no id", Edit(s => WithId(s, i => i with { Id = uint.MaxValue })) },
        { "id 9 has 0 references", Edit(s => WithId(s, i => i with { References = 0 })) },
        { "the owner of id 9 is number 1 of 1", Edit(s => WithId(s, i => i with { Owner = 1 })) },
        { "the binding of id 9 is number -1 of 3", Edit(s => WithId(s, i => i with { Binding = -1, Data = null })) },
        { "id 9 has more than one kind of data", Edit(s => WithId(s, i => i with { Binding = 0 })) },
        { "id 9 leads to a binding with another PASID", Edit(s => WithId(s, i => i with { Binding = 0, Data = null })) },
        { "id 9 has stale data", Edit(s => WithId(s, i => i with { HasStaleBinding = true, Data = null })) },
        { "the data 'nonsense' of id 9 is unknown", Edit(s => WithId(s, i => i with { Data = "nonsense" })) },
        { "an address space has no name", Edit(s => s with { AddressSpaces = [null!] }) },
        { "the address space 'p0' has PASID 77, which is not live", Edit(s => WithSpace(s, a => a with { Pasid = 77 })) },
        { "has another PASID than its address space remembers", Edit(s => WithSpace(s, a => a with { Pasid = 2 })) },
        { "PASID 1 is remembered by two address spaces", Edit(s => s with { AddressSpaces = [.. s.AddressSpaces, s.AddressSpaces[0]] }) },
        { "the address space 'idle' has neither PASID nor binding", Edit(s => s with { AddressSpaces = [.. s.AddressSpaces, new AddressSpaceEntry("idle")] }) },
        { "binding 0 has PASID 77, which is not live", Edit(s => WithBinding(s, b => b with { Pasid = 77 })) },
        { "the address space of binding 0 is number 5 of 1", Edit(s => WithBinding(s, b => b with { AddressSpace = 5 })) },
        { "binding 0 is the supervisor's or has an address space", Edit(s => WithBinding(s, b => b with { AddressSpace = null })) },
        { "binding 0 has undefined flags", Edit(s => WithBinding(s, b => b with { Flags = (SvmBindFlags)8 })) },
        { "binding 1 is the second shared one", Edit(s => s with { Bindings = [s.Bindings[0], s.Bindings[1] with { Flags = SvmBindFlags.None }, s.Bindings[2]] }) },
        { "binding 0 has no devices", Edit(s => WithBinding(s, b => b with { Devices = [] })) },
        { "has the device 'devA' twice", Edit(s => WithBinding(s, b => b with { Devices = [b.Devices[0], b.Devices[0]] })) },
        { "has the device 'devA' with 0 binds", Edit(s => WithBinding(s, b => b with { Devices = [b.Devices[0] with { Binds = 0 }] })) },
        { "the device 'toaster' is unknown", Edit(s => WithBinding(s, b => b with { Devices = [new DeviceEntry("toaster", 1)] })) },
        { "the callback table 'nobody' is unknown", Edit(s => WithBinding(s, b => b with { Devices = [b.Devices[0] with { Callbacks = "nobody" }] })) },
        { "leaked PASIDs, and the profile does not lose any", Edit(s => s with { LeakedPasids = [9] }) },
    };

    [Theory]
    [MemberData(nameof(Impossible))]
    public void Restore_refuses_an_impossible_state_and_changes_nothing(string message, Func<PasidSnapshot, PasidSnapshot> spoil)
    {
        using Host host = Bound();
        var walk = new RandomWalk(host, 0);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot(Naming());
        string before = host.State();

        host.Binder.Invoking(b => b.Restore(spoil(snapshot), Finding(walk)))
            .Should().Throw<FormatException>().WithMessage($"*cannot be restored*{message}*");

        host.State().Should().Be(before);
        host.Binder.Restore(snapshot, Finding(walk));
    }

    [Fact]
    public void Capture_refuses_what_a_snapshot_cannot_say()
    {
        using Host host = NewHost(KernelProfile.Default);
        host.Allocator.TryAllocate(IoasidRange.Pasids, null, new object(), out Ioasid id);
        host.Binder.Invoking(b => b.CaptureSnapshot()).Should().Throw<InvalidOperationException>().WithMessage("*NameData has no name*");
        host.Allocator.Free(id);

        host.Bind(host.DeviceA, host.Process("one"), 1);
        host.Bind(new SvmDevice("devA", host.Iommu1), host.Process("two"), 2);
        host.Binder.Invoking(b => b.CaptureSnapshot()).Should().Throw<InvalidOperationException>().WithMessage("*calls two of them 'devA'*");

        using var other = new SvmBinder(host.Allocator);
        other.Invoking(b => b.CaptureSnapshot()).Should().Throw<InvalidOperationException>().WithMessage("*another binder*");

        using var foreign = new SvmBinder(new NaiveIoasidAllocator());
        foreign.Invoking(b => b.CaptureSnapshot()).Should().Throw<InvalidOperationException>().WithMessage("*IoasidAllocator*");

        var custom = new IoasidAllocator();
        custom.Register(new CustomIoasidAllocator("guest", SpyFunctions.Downwards()));
        using var customized = new SvmBinder(custom);
        customized.Invoking(b => b.CaptureSnapshot()).Should().Throw<InvalidOperationException>().WithMessage("*unregister it first*");
    }

    [Fact]
    public void References_go_through_the_number_that_a_record_holds_in_both_directions()
    {
        const int InRecord = 4_094;
        var allocator = new IoasidAllocator();
        using var binder = new SvmBinder(allocator);
        binder.Restore(binder.CaptureSnapshot().With(file => file with { Ids = [new IdEntry(5, InRecord)], LiveCount = 1 }));
        var id = new Ioasid(5);

        allocator.AddReference(id).Should().Be(PasidStatus.Success);
        allocator.AddReference(id).Should().Be(PasidStatus.Success);
        allocator.CheckIntegrity().Should().BeEmpty();
        binder.CaptureSnapshot().File.Ids.Single().References.Should().Be(InRecord + 2);

        allocator.DropReference(id);
        allocator.DropReference(id);
        allocator.CheckIntegrity().Should().BeEmpty();
        binder.CaptureSnapshot().File.Ids.Single().References.Should().Be(InRecord);
    }

    [Fact]
    public void Restore_makes_the_handles_of_before_harmless()
    {
        using Host host = NewHost(KernelProfile.Default);
        AddressSpace process = host.Process("p0");
        SvmBinding handle = host.Binder.Bind(host.DeviceA, process);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();

        AddressSpace restored = host.Binder.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA }).Single();
        handle.Dispose();

        restored.Should().NotBeSameAs(process);
        process.Pasid.Should().Be(Ioasid.Invalid);
        host.Binder.Lookup(new Ioasid(1), out AddressSpace? bound).Should().Be(PasidStatus.Success);
        bound.Should().BeSameAs(restored);
        host.Unbind(host.DeviceA, 1);
    }

    [Fact]
    public void A_custom_allocator_that_comes_after_a_restore_finds_the_restored_ids()
    {
        using Host host = NewHost(KernelProfile.Default);
        host.Bind(host.DeviceA, host.Process("p0"), 1);
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot();
        var custom = new CustomIoasidAllocator("guest", SpyFunctions.Downwards());
        var allocator = new IoasidAllocator();
        using var restored = new SvmBinder(allocator);
        allocator.Register(custom).Should().Be(PasidStatus.Success);
        allocator.Unregister(custom).Should().Be(PasidStatus.Success);

        restored.Restore(snapshot, new PasidSnapshotMap { FindDevice = _ => host.DeviceA });

        allocator.Register(custom).Should().Be(PasidStatus.TryAgain, "the kernel refuses it while an id is live");
        allocator.Unregister(custom).Should().Be(PasidStatus.NotFound);
        allocator.LiveCount.Should().Be(1);
    }

    [Fact]
    public void Restore_refuses_an_address_space_of_another_binder_and_one_found_twice()
    {
        using Host host = Bound();
        using var other = new SvmBinder();
        PasidSnapshot snapshot = host.Binder.CaptureSnapshot(Naming());
        var walk = new RandomWalk(host, 0);

        host.Binder.Invoking(b => b.Restore(snapshot, Finding(walk, _ => other.CreateAddressSpace("stranger"))))
            .Should().Throw<FormatException>().WithMessage("*found with another binder*");
    }

    /// <summary>Two shared devices, a private and a supervisor binding of p0 in a host without quirks, and an id with data.</summary>
    private static Host Bound()
    {
        Host host = NewHost(KernelProfile.Default);
        AddressSpace process = host.Process("p0");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceA, process, 2, SvmBindFlags.Private);
        host.Bind(host.DeviceA, null, 3, SvmBindFlags.Supervisor);
        host.Allocator.TryAllocate(new IoasidRange(9, 9), new IoasidSet("owner"), "data", out _);
        return host;
    }

    private static SnapshotFile WithId(SnapshotFile s, Func<IdEntry, IdEntry> change) =>
        s with { Ids = [.. s.Ids.Select(i => i.Id == 9 ? change(i) : i)] };

    private static SnapshotFile WithSpace(SnapshotFile s, Func<AddressSpaceEntry, AddressSpaceEntry> change) =>
        s with { AddressSpaces = [change(s.AddressSpaces[0])] };

    private static SnapshotFile WithBinding(SnapshotFile s, Func<BindingEntry, BindingEntry> change) =>
        s with { Bindings = [change(s.Bindings[0]), s.Bindings[1], s.Bindings[2]] };

    private static bool IsBinders(PasidSnapshot snapshot, uint id) =>
        snapshot.File.Ids.Any(i => i.Id == id && i.Data is null && i.References == 1 && i.Binding is not null);

    private static Host NewHost(KernelProfile profile) => new(profile, pasidLimit: 12);

    private static PasidSnapshotMap Naming() => new() { NameData = data => data as string };

    private static PasidSnapshotMap Finding(RandomWalk walk, Func<string, AddressSpace?>? findAddressSpace = null) => new()
    {
        NameData = data => data as string,
        FindData = name => name == "data" ? name : null,
        FindDevice = name => walk.Devices.FirstOrDefault(device => device.Name == name),
        FindCallbacks = name => name == "callbacks" ? new Callbacks() : null,
        FindAddressSpace = findAddressSpace,
    };

    private static Dictionary<string, AddressSpace> Kept(Host host, RandomWalk walk)
    {
        var kept = new Dictionary<string, AddressSpace>();
        foreach (AddressSpace addressSpace in walk.AddressSpaces)
        {
            kept[addressSpace.Name] = addressSpace;
        }

        return kept;
    }

    private static string Ids(Host host) =>
        string.Join('\n', host.Allocator.LiveIds().Select(id => $"{id} {host.Allocator.GetReferenceCount(id)} {host.Binder.Lookup(id, out AddressSpace? addressSpace)} {addressSpace}"));

    private static string State(Host host) =>
        string.Join('\n', host.State().Split('\n').Where(line => !line.StartsWith("iommu", StringComparison.Ordinal) && !line.StartsWith("mm ", StringComparison.Ordinal)));

    private sealed class Callbacks : ISvmDeviceCallbacks
    {
        public string Name => "callbacks";
    }

    /// <summary>White space without end, which is the begin of any JSON.</summary>
    private sealed class EndlessStream : MemoryStream
    {
        public override int Read(Span<byte> buffer)
        {
            buffer.Fill((byte)' ');
            return buffer.Length;
        }
    }
}

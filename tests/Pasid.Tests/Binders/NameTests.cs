using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>A name is text that can be written to a file and read again.</summary>
public sealed class NameTests
{
    private const string Broken = "ab\ud83d";

    [Fact]
    public void FindBroken_finds_the_first_half_without_its_other_half()
    {
        // No attributes: they are written as UTF-8, which has no halves.
        (string Name, int Index)[] names =
        [
            (string.Empty, -1),
            ("plain", -1),
            ("\ud83d\ude00", -1),
            ("a\ud83d\ude00b\ud83d\ude00", -1),
            ("\ud83d", 0),
            ("a\ude00", 1),
            ("\ude00\ud83d", 0),
            ("a\ud83db", 1),
            ("\ud83d\ud83d\ude00", 0),
            ("\ud83d\ude00\ude00", 2),
        ];

        names.Select(name => Names.FindBroken(name.Name)).Should().Equal(names.Select(name => name.Index));
    }

    [Fact]
    public void A_name_that_is_no_valid_unicode_is_refused_wherever_one_is_given()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmThread thread = process.CreateThread("T");
        string before = host.State();
        (string Parameter, Action Call)[] calls =
        [
            ("name", () => host.Binder.CreateAddressSpace(Broken)),
            ("name", () => process.CreateThread(Broken)),
            ("name", () => process.Fork(Broken)),
            ("name", () => process.Exec(Broken)),
            ("name", () => thread.Clone(Broken)),
            ("name", () => thread.Fork(Broken)),
            ("name", () => thread.Exec(Broken)),
            ("name", () => _ = new SvmDevice(Broken, null)),
            ("name", () => _ = new Iommu(Broken)),
            ("name", () => _ = new IoasidSet(Broken)),
            ("name", () => _ = new CustomIoasidAllocator(Broken, SpyFunctions.Downwards())),
            ("options", () => _ = new SvmBinder(new PasidOptions { Profile = KernelProfile.Default with { Name = Broken } })),
            ("options", () => _ = new SvmBinder(new PasidOptions { HostName = Broken })),
            ("serviceKey", () => new ServiceCollection().AddKeyedPasid(Broken)),
        ];

        foreach ((string parameter, Action call) in calls)
        {
            call.Should().Throw<ArgumentException>().WithParameterName(parameter).WithMessage("*half of a surrogate pair at index 2*valid Unicode*");
        }

        host.State().Should().Be(before);
    }

    [Fact]
    public void A_name_outside_the_first_plane_or_with_a_control_character_survives_save_and_load()
    {
        const string Name = "\ud83d\ude00 \0\u001b\u009b\u202e\u2028\ufeff\uffff";
        using var binder = new SvmBinder();
        binder.BindMm(new SvmDevice(Name, new Iommu(Name)), binder.CreateAddressSpace(Name), out _);
        using var stream = new MemoryStream();
        binder.CaptureSnapshot().Save(stream);
        stream.Position = 0;

        PasidSnapshot snapshot = PasidSnapshot.Load(stream);

        snapshot.File.AddressSpaces.Single().Name.Should().Be(Name);
        snapshot.File.Bindings.Single().FirstDevice.Should().Be(Name);
    }

    [Fact]
    public void Capture_refuses_a_name_that_is_no_valid_unicode()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Binder.BindMm(host.DeviceA, process, SvmBindFlags.None, new Callbacks(), out _);
        process.Portals.Map(0x1000, new Portal());
        host.Allocator.TryAllocate(IoasidRange.Pasids, new IoasidSet("owner"), "data", out _);
        PasidSnapshotMap Map() => new() { NameData = data => (string)data, NameCallbacks = _ => "c", NamePortal = _ => "p" };
        (string Function, PasidSnapshotMap Map)[] maps =
        [
            ("NameDevice", With(Map(), map => map.NameDevice = _ => Broken)),
            ("NameAddressSpace", With(Map(), map => map.NameAddressSpace = _ => Broken)),
            ("NameOwner", With(Map(), map => map.NameOwner = _ => Broken)),
            ("NameData", With(Map(), map => map.NameData = _ => Broken)),
            ("NameCallbacks", With(Map(), map => map.NameCallbacks = callbacks => callbacks.Name)),
            ("NamePortal", With(Map(), map => map.NamePortal = portal => portal.Name)),
        ];

        foreach ((string function, PasidSnapshotMap map) in maps)
        {
            host.Binder.Invoking(b => b.CaptureSnapshot(map))
                .Should().Throw<InvalidOperationException>().WithMessage($"*{function}*half of a surrogate pair at index 2*valid Unicode*");
        }

        host.Binder.CaptureSnapshot(Map()).LiveCount.Should().Be(2);
    }

    [Theory]
    [InlineData("""{"owners":["a",?]}""")]
    [InlineData("""{"ids":[{"id":5,"data":?}]}""")]
    [InlineData("""{"addressSpaces":[{"name":"a"},{"name":?}]}""")]
    [InlineData("""{"addressSpaces":[{"threads":[{"name":?}]}]}""")]
    [InlineData("""{"addressSpaces":[{"portals":[{"portal":?}]}]}""")]
    [InlineData("""{"bindings":[{"firstDevice":?}]}""")]
    [InlineData("""{"bindings":[{"devices":[{"device":?}]}]}""")]
    [InlineData("""{"bindings":[{"devices":[{"callbacks":?}]}]}""")]
    [InlineData("""{"queues":[{"requests":[{"device":?}]}]}""")]
    [InlineData("""{"queues":[{"requests":[{"privateData":?}]}]}""")]
    public void Load_refuses_a_name_that_is_no_valid_unicode_wherever_it_is(string json)
    {
        string versioned = $$"""{"formatVersion":2,{{json[1..]}}""";
        SnapshotEdit.Load(versioned.Replace("?", "\"ab\"", StringComparison.Ordinal)).Version.Should().Be(2);

        // As an escape, and as three bytes that would be it.
        string[] halves = ["\"ab\\ud800\"", "\"ab\u00ed\u00a0\u0080\""];
        foreach (string half in halves)
        {
            using var stream = new MemoryStream(Encoding.Latin1.GetBytes(versioned.Replace("?", half, StringComparison.Ordinal)));

            FluentActions.Invoking(() => PasidSnapshot.Load(stream)).Should().Throw<FormatException>().WithMessage("This is no snapshot of a host*");
        }
    }

    private static PasidSnapshotMap With(PasidSnapshotMap map, Action<PasidSnapshotMap> change)
    {
        change(map);
        return map;
    }

    private sealed class Callbacks : ISvmDeviceCallbacks
    {
        public string Name => Broken;
    }

    private sealed class Portal : IEnqcmdPortal
    {
        public string Name => Broken;

        public bool Submit(in EnqcmdCommand command) => true;
    }
}

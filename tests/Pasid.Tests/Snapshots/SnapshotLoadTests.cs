using System.Reflection;
using System.Text;
using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Snapshots;

/// <summary>What <see cref="PasidSnapshot.Load"/> finds out before anything is made of a file.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SnapshotLoadTests
{
    private const int Items = 100_000;

    [Theory]
    [InlineData("ids", "{}")]
    [InlineData("addressSpaces", "{}")]
    [InlineData("addressSpaces", """{"threads":[{}],"portals":[{}]}""")]
    [InlineData("bindings", """{"devices":[{}]}""")]
    [InlineData("queues", """{"requests":[{}]}""")]
    [InlineData("heldBackIds", "0")]
    [InlineData("owners", "\"\"")]
    [InlineData("owners", "\"a\"")]
    [InlineData("owners", "\"a name of some length, as it is often given\"")]
    [InlineData("owners", "null")]
    public void Load_takes_no_more_than_the_memory_that_it_is_allowed(string key, string item)
    {
        byte[] json = List(key, item, Items);
        Load(List(key, item, 1), long.MaxValue);
        long before = SettledMemory.Measure();
        PasidSnapshot snapshot = Load(json, long.MaxValue);
        long taken = SettledMemory.Measure() - before;
        GC.KeepAlive(snapshot);

        FluentActions.Invoking(() => Load(json, taken)).Should().Throw<FormatException>().WithMessage($"*more than {taken} bytes*larger memoryLimit*");
        Load(json, 8 * taken).Should().NotBeNull();
    }

    [Fact]
    public void Load_of_a_small_file_of_many_objects_is_refused_by_default()
    {
        // Empty objects of 3 bytes each would take hundreds of times the limit: only so many are read as it allows.
        using var stream = new RepeatedStream("""{"ids":[""", "{},");

        FluentActions.Invoking(() => PasidSnapshot.Load(stream, 1 << 20)).Should().Throw<FormatException>().WithMessage("*more than 1048576 bytes*");
        stream.BytesRead.Should().BeLessThan(100_000);
        PasidSnapshot.DefaultMemoryLimit.Should().Be(1L << 30);
    }

    [Theory]
    [InlineData("\"")]
    [InlineData("1")]
    [InlineData("tru")]
    [InlineData("\"\\u0041")]
    public void Load_of_one_piece_without_an_end_is_refused_before_it_is_buffered(string begin)
    {
        using var stream = new RepeatedStream("""{"owners":[""" + begin, "1");

        FluentActions.Invoking(() => PasidSnapshot.Load(stream, 1 << 20)).Should().Throw<FormatException>();
        stream.BytesRead.Should().BeLessThan(1 << 20);
    }

    [Fact]
    public void Load_of_a_long_key_does_not_quote_it()
    {
        string key = new('k', 1 << 20);

        FluentActions.Invoking(() => Load($$"""{"{{key}}":1}""")).Should().Throw<FormatException>().Which.Message.Length.Should().BeLessThan(500);
    }

    [Fact]
    public void Load_of_a_hundred_thousand_bound_address_spaces_has_room()
    {
        using var binder = new SvmBinder();
        SvmDevice[] devices = [new("accelerator-0", new Iommu("iommu0")), new("accelerator-1", new Iommu("iommu1"))];
        for (int i = 0; i < 100_000; i++)
        {
            AddressSpace process = binder.CreateAddressSpace($"process of some user, number {i}");
            binder.BindMm(devices[0], process, out _).Should().Be(PasidStatus.Success);
            binder.BindMm(devices[1], process, out _).Should().Be(PasidStatus.Success);
        }

        using var stream = new MemoryStream();
        binder.CaptureSnapshot().Save(stream);
        stream.Position = 0;

        PasidSnapshot.Load(stream, PasidSnapshot.DefaultMemoryLimit / 4).BindingCount.Should().Be(100_000);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    public void Load_with_a_limit_below_one_is_refused(long memoryLimit)
    {
        using var stream = new MemoryStream();

        FluentActions.Invoking(() => PasidSnapshot.Load(stream, memoryLimit)).Should().Throw<ArgumentOutOfRangeException>().WithParameterName(nameof(memoryLimit));
    }

    [Theory]
    [InlineData("""{"formatVersion":1,"formatVersion":1}""", "formatVersion")]
    [InlineData("""{"formatVersion":1,"format\u0056ersion":1}""", "formatVersion")]
    [InlineData("""{"formatVersion" : 1, "formatVersion"	: 1}""", "formatVersion")]
    [InlineData("""{"ids":[],"owners":[],"ids":[]}""", "ids")]
    [InlineData("""{"ids":[{"id":1,"id":2}]}""", "id")]
    [InlineData("""{"ids":[{"id":1},{"references":1,"references":1}]}""", "references")]
    [InlineData("""{"bindings":[{"pasid":1,"devices":[{"device":"a"}],"pasid":1}]}""", "pasid")]
    [InlineData("""{"bindings":[{"devices":[{"device":"a","binds":1,"device":"a"}]}]}""", "device")]
    [InlineData("""{"addressSpaces":[{"threads":[{"name":"a","name":"b"}]}]}""", "name")]
    [InlineData("""{"queues":[{"requests":[{"address":1,"address":1}]}]}""", "address")]
    [InlineData("""{"formatVersion":1,"addressSpaces":[{"hasExited":true,"hasExited":false}]}""", "hasExited")]
    public void Load_refuses_a_key_that_is_there_twice(string json, string key)
    {
        FluentActions.Invoking(() => Load(json)).Should().Throw<FormatException>().WithMessage($"*the key '{key}' twice*");
        using var bytes = new SingleBytes(Encoding.UTF8.GetBytes(json));
        FluentActions.Invoking(() => PasidSnapshot.Load(bytes)).Should().Throw<FormatException>().WithMessage($"*the key '{key}' twice*");
    }

    [Theory]
    [InlineData("""{"formatVersion":1,"ids":[{"id":1},{"id":1}],"heldIds":[1]}""")]
    [InlineData("""{"formatVersion":2,"owners":["id\":","\"id\":\"id\":","{","\\"],"ids":[{"id":1}]}""")]
    [InlineData("""{"addressSpaces":[{"name":"name","pasid":1}],"bindings":[{"pasid":1,"devices":[{"device":"pasid"}],"addressSpace":0}],"formatVersion":2}""")]
    public void Load_takes_the_same_key_in_other_objects_and_in_text(string json)
    {
        using var bytes = new SingleBytes(Encoding.UTF8.GetBytes(json));

        PasidSnapshot.Load(bytes).ShouldEqual(Load(json));
    }

    [Fact]
    public void Every_property_of_a_snapshot_is_a_key()
    {
        string[] properties = [.. SnapshotEdit.Records
            .SelectMany(type => type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
            .Select(SnapshotEdit.KeyOf)
            .Distinct()];

        Enumerable.Range(0, SnapshotKeys.Count).Select(SnapshotKeys.Get).Should().BeEquivalentTo(properties);
        properties.Should().HaveCountLessThan(64, "each has a bit");
        properties.Should().OnlyContain(key => SnapshotKeys.Get(SnapshotKeys.Find(Encoding.UTF8.GetBytes(key), false)) == key);
    }

    [Theory]
    [InlineData("{}", 0)]
    [InlineData("""{"formatVersion":0}""", 0)]
    [InlineData("""{"formatVersion":3}""", 3)]
    [InlineData("""{"ids":[],"formatVersion":-1}""", -1)]
    public void Load_refuses_a_version_that_it_does_not_know(string json, int version) =>
        FluentActions.Invoking(() => Load(json)).Should().Throw<FormatException>().WithMessage($"*the format version is {version}, and this library reads 1 to 2*");

    [Fact]
    public void Load_of_half_a_surrogate_pair_is_refused() =>
        FluentActions.Invoking(() => Load("""{"owners":["\ud800"]}""")).Should().Throw<FormatException>();

    private static byte[] List(string key, string item, int count) =>
        Encoding.UTF8.GetBytes($$"""{"formatVersion":2,"{{key}}":[{{string.Join(',', Enumerable.Repeat(item, count))}}]}""");

    private static PasidSnapshot Load(string json) => Load(Encoding.UTF8.GetBytes(json), PasidSnapshot.DefaultMemoryLimit);

    private static PasidSnapshot Load(byte[] json, long memoryLimit)
    {
        using var stream = new MemoryStream(json);
        return PasidSnapshot.Load(stream, memoryLimit);
    }

    /// <summary>A beginning, and then the same for ever.</summary>
    private sealed class RepeatedStream(string begin, string repeated) : MemoryStream
    {
        public long BytesRead { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            for (int i = 0; i < buffer.Length; i++, BytesRead++)
            {
                buffer[i] = (byte)(BytesRead < begin.Length ? begin[(int)BytesRead] : repeated[(int)((BytesRead - begin.Length) % repeated.Length)]);
            }

            return buffer.Length;
        }
    }

    /// <summary>Bytes that come one by one.</summary>
    private sealed class SingleBytes(byte[] bytes) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1)]);
    }
}

using System.Text;
using Pasid.Internal;
using Pasid.Tests.Support;
using static Pasid.Tests.Support.SnapshotEdit;

namespace Pasid.Tests.Snapshots;

/// <summary>Saving and loading that keep no thread waiting: the same as those that do.</summary>
public sealed class SnapshotStreamTests
{
    private static readonly PasidSnapshot s_large = new(Empty with { LiveCount = 20_000, Ids = [.. Enumerable.Range(1, 20_000).Select(id => new IdEntry((uint)id, 1, Data: $"data {id}"))] });

    [Fact]
    public async Task SaveAsync_writes_the_bytes_of_Save_and_leaves_the_stream_open()
    {
        using var stream = new MemoryStream();

        await s_large.SaveAsync(stream);

        Encoding.UTF8.GetString(stream.ToArray()).Should().Be(Text(s_large));
        stream.CanWrite.Should().BeTrue();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(int.MaxValue)]
    public async Task LoadAsync_of_pieces_of_any_length_is_the_snapshot_that_was_saved(int longest)
    {
        using var stream = new Pieces(Text(s_large), longest);

        PasidSnapshot loaded = await PasidSnapshot.LoadAsync(stream);

        loaded.ShouldEqual(s_large);
        stream.HasBlocked.Should().BeFalse("it reads asynchronously alone");
        stream.CanRead.Should().BeTrue();
    }

    [Theory]
    [InlineData("", "no snapshot")]
    [InlineData("null", "JSON value null")]
    [InlineData("[]", "no snapshot")]
    [InlineData("{\"formatVersion\":3}", "format version is 3")]
    [InlineData("{\"formatVersion\":2,\"hasExited\":true}", "hasExited")]
    [InlineData("{\"formatVersion\":2,\"heldIds\":[]}", "the key 'heldIds', which version 2")]
    [InlineData("{\"formatVersion\":2,\"formatVersion\":2}", "the key 'formatVersion' twice")]
    public async Task LoadAsync_refuses_what_Load_refuses(string json, string message)
    {
        foreach (int longest in new[] { 1, int.MaxValue })
        {
            using var stream = new Pieces(json, longest);

            await FluentActions.Awaiting(() => PasidSnapshot.LoadAsync(stream)).Should().ThrowAsync<FormatException>().WithMessage($"*{message}*");
        }
    }

    [Fact]
    public async Task LoadAsync_goes_by_the_memory_limit()
    {
        using var stream = new Pieces(Text(s_large), 4096);

        await FluentActions.Awaiting(() => PasidSnapshot.LoadAsync(stream, 10_000)).Should().ThrowAsync<FormatException>().WithMessage("*more than 10000 bytes*larger memoryLimit*");
        stream.Position.Should().BeLessThan(50_000);
    }

    [Fact]
    public void Arguments_are_refused_at_once()
    {
        using var stream = new MemoryStream();

        FluentActions.Invoking(() => { _ = PasidSnapshot.LoadAsync(stream, 0); }).Should().Throw<ArgumentOutOfRangeException>().WithParameterName("memoryLimit");
        FluentActions.Invoking(() => { _ = PasidSnapshot.LoadAsync(null!); }).Should().Throw<ArgumentNullException>().WithParameterName("utf8Json");
        FluentActions.Invoking(() => { _ = s_large.SaveAsync(null!); }).Should().Throw<ArgumentNullException>().WithParameterName("utf8Json");
        FluentActions.Invoking(() => s_large.Save(null!)).Should().Throw<ArgumentNullException>().WithParameterName("utf8Json");
    }

    [Fact]
    public async Task Load_and_save_that_are_cancelled_before_they_begin_touch_nothing()
    {
        using var stream = new Pieces(Text(s_large), 10);
        using var target = new MemoryStream();
        var cancelled = new CancellationToken(canceled: true);

        await FluentActions.Awaiting(() => PasidSnapshot.LoadAsync(stream, cancellationToken: cancelled)).Should().ThrowAsync<OperationCanceledException>();
        await FluentActions.Awaiting(() => s_large.SaveAsync(target, cancelled)).Should().ThrowAsync<OperationCanceledException>();

        (stream.Position, target.Length).Should().Be((0, 0));
    }

    [Fact]
    public async Task LoadAsync_that_is_cancelled_between_two_pieces_ends_there()
    {
        using var cancellation = new CancellationTokenSource();
        using var stream = new Pieces(Text(s_large), 100) { BeforeRead = position => _ = position < 1_000 ? 0 : Cancel(cancellation) };

        await FluentActions.Awaiting(() => PasidSnapshot.LoadAsync(stream, cancellationToken: cancellation.Token)).Should().ThrowAsync<OperationCanceledException>();

        stream.Position.Should().BeInRange(900, 1_100);
    }

    private static int Cancel(CancellationTokenSource cancellation)
    {
        cancellation.Cancel();
        return 0;
    }

    /// <summary>Text in pieces, which come later than they are asked for.</summary>
    private sealed class Pieces(string text, int longest) : MemoryStream(Encoding.UTF8.GetBytes(text))
    {
        public bool HasBlocked { get; private set; }

        public Action<long> BeforeRead { get; init; } = static _ => { };

        public override int Read(Span<byte> buffer)
        {
            HasBlocked = true;
            return base.Read(buffer);
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            BeforeRead(Position);
            cancellationToken.ThrowIfCancellationRequested();
            return await base.ReadAsync(buffer[..Math.Min(buffer.Length, longest)], cancellationToken);
        }
    }
}

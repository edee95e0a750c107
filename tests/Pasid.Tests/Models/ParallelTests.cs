using System.Collections.Concurrent;
using CsCheck;
using Pasid.Tests.Support;

namespace Pasid.Tests.Models;

/// <summary>
/// Operations in parallel end and answer as the same operations in some order, as CsCheck sees it: it shrinks, and does not
/// look at when calls began and ended, which the tests of linearizability do.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class ParallelTests
{
    private static readonly IoasidSet?[] s_owners = [null, new("red"), new("blue")];

    [Fact]
    public void Allocations_frees_and_lookups_in_parallel_are_those_in_some_order() =>
        Gen.Const(0).Select(_ => new Answering<IoasidAllocator>(new IoasidAllocator())).SampleParallel(
            Gen.Select(Gen.UInt[1, 3], Gen.UInt[0, 2], Gen.Int[0, 2]).Operation<Answering<IoasidAllocator>>((s, x) =>
                s.Note($"allocate {x}", s.System.TryAllocate(new IoasidRange(x.Item1, x.Item1 + x.Item2), s_owners[x.Item3], $"{x}", out Ioasid id) ? $"{id}" : "none")),
            Gen.UInt[1, 5].Operation<Answering<IoasidAllocator>>((s, x) => s.Note($"free {x}", $"{s.System.Free(new Ioasid(x))}")),
            Gen.UInt[1, 5].Operation<Answering<IoasidAllocator>>((s, x) => s.Note($"drop {x}", $"{s.System.DropReference(new Ioasid(x))}")),
            Gen.Select(Gen.UInt[1, 5], Gen.Int[0, 2]).Operation<Answering<IoasidAllocator>>((s, x) =>
                s.Note($"look up {x}", $"{s.System.Lookup(new Ioasid(x.Item1), s_owners[x.Item2], out object? data)} {data}")),
            equal: (left, right) => left.Answers == right.Answers && Ids(left.System) == Ids(right.System),
            iter: Effort.Rounds(150),
            threads: 1);

    [Fact]
    public void Binds_unbinds_exits_and_lookups_in_parallel_are_those_in_some_order() =>
        Gen.Const(0).Select(_ => new Answering<Machine>(new Machine())).SampleParallel(
            Gen.Select(Gen.Int[0, 1], Gen.Int[0, 1]).Operation<Answering<Machine>>((s, x) =>
                s.Note($"bind {x}", $"{s.System.Binder.BindMm(s.System.Devices[x.Item1], s.System.Spaces[x.Item2], out Ioasid pasid)} {pasid}")),
            Gen.Select(Gen.Int[0, 1], Gen.UInt[1, 2]).Operation<Answering<Machine>>((s, x) =>
                s.Note($"unbind {x}", $"{s.System.Binder.UnbindMm(s.System.Devices[x.Item1], new Ioasid(x.Item2))}")),
            Gen.Int[0, 1].Operation<Answering<Machine>>((s, x) =>
            {
                s.System.Spaces[x].Exit();
                s.Note($"exit {x}", "exited");
            }),
            Gen.UInt[1, 2].Operation<Answering<Machine>>((s, x) =>
                s.Note($"look up {x}", $"{s.System.Binder.Lookup(new Ioasid(x), out AddressSpace? found)} {found}")),
            equal: (left, right) => left.Answers == right.Answers && left.System.State() == right.System.State(),
            iter: Effort.Rounds(150),
            threads: 1);

    private static string Ids(IoasidAllocator allocator) =>
        string.Join(' ', allocator.LiveIds().Select(id => $"{id} {allocator.Lookup(id, out object? data)} {data}"));

    /// <summary>A system with what its operations answered, in no order.</summary>
    private sealed class Answering<TSystem>(TSystem system)
    {
        private readonly ConcurrentBag<string> _answers = [];

        public TSystem System { get; } = system;

        public string Answers => string.Join('\n', _answers.Order(StringComparer.Ordinal));

        public void Note(string operation, string answer) => _answers.Add($"{operation}: {answer}");
    }

    private sealed class Machine
    {
        public Machine()
        {
            var iommu = new Iommu("iommu");
            Devices = [new SvmDevice("device 0", iommu), new SvmDevice("device 1", iommu)];
            Spaces = [Binder.CreateAddressSpace("space 0"), Binder.CreateAddressSpace("space 1")];
        }

        public SvmBinder Binder { get; } = new();

        public SvmDevice[] Devices { get; }

        public AddressSpace[] Spaces { get; }

        public string State() => string.Join('\n', [
            .. Binder.GetBindings().Select(b => $"{b.Pasid} {b.AddressSpace} {string.Join(' ', b.Devices.Select(d => $"{d.Device}:{d.Users}"))}"),
            .. Spaces.Select(s => $"{s} {s.Pasid} {s.HasExited} {s.IsDestroyed}"),
            string.Join(' ', Binder.Allocator.LiveIds())]);
    }
}

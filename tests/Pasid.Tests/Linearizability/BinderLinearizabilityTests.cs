using Pasid.Tests.Support;
using Call = Pasid.Tests.Support.ConcurrentCalls<Pasid.Tests.Linearizability.BinderLinearizabilityTests.Machine>.Call;

namespace Pasid.Tests.Linearizability;

/// <summary>Whatever threads do to a binder at once, lookups included, one thread could have done.</summary>
[Collection(nameof(AloneCollection))]
public sealed class BinderLinearizabilityTests
{
    public static TheoryData<string, int> Kinds() => new()
    {
        { nameof(KernelProfile.Default), 2 },
        { nameof(KernelProfile.Default), 3 },
        { nameof(KernelProfile.Seed), 2 },
        { nameof(KernelProfile.Linux56), 2 },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Calls_of_several_threads_are_those_of_one_in_some_order(string profile, int threads) =>
        Refute(profile, threads, threads == 2 ? 1_500 : 600, Calls);

    /// <summary>Whether a device has its entry and whether a lookup finds its binding are two facts, which an unbind changes one after the
    /// other: here nobody looks up.</summary>
    [Theory]
    [InlineData(nameof(KernelProfile.Default), 2)]
    [InlineData(nameof(KernelProfile.Default), 3)]
    public void Requests_beside_binds_unbinds_and_exits_are_those_of_one_thread_in_some_order(string profile, int threads) =>
        Refute(profile, threads, threads == 2 ? 800 : 300, Requests);

    private static void Refute(string profile, int threads, int histories, Func<Random, int, Call[]> make)
    {
        var kernel = (KernelProfile)typeof(KernelProfile).GetProperty(profile)!.GetValue(null)!;
        using var run = new ConcurrentCalls<Machine>(threads);
        int rounds = Effort.Rounds(histories);
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            Call[] prepared = make(random, random.Next(4));
            Call[][] calls = [.. Enumerable.Range(0, threads).Select(_ => make(random, threads == 2 ? 5 : 3))];
            Machine Prepare()
            {
                var machine = new Machine(kernel);
                Array.ForEach(prepared, call => call.Run(machine));
                return machine;
            }

            string? refuted = run.Refute(Prepare(), Prepare, calls, machine => machine.State());

            refuted.Should().BeNull($"seed {seed}");
        }
    }

    private static Call[] Requests(Random random, int count)
    {
        var calls = new Call[count];
        for (int i = 0; i < count; i++)
        {
            int space = random.Next(2);
            int device = random.Next(2);
            int group = random.Next(512);
            var pasid = new Ioasid((uint)random.Next(1, 3));
            calls[i] = random.Next(12) switch
            {
                < 3 => new Call($"bind device {device} to {space}", m => $"{m.Binder.BindMm(m.Devices[device], m.Spaces[space], out Ioasid got)} {got}"),
                < 6 => new Call($"unbind device {device} from {pasid}", m => $"{m.Binder.UnbindMm(m.Devices[device], pasid)}"),
                < 11 => new Call($"device {device} asks with {pasid}, group {group}", m => $"{m.Ask(device, pasid, group)}"),
                _ => new Call($"exit {space}", m =>
                {
                    m.Spaces[space].Exit();
                    return "exited";
                }),
            };
        }

        return calls;
    }

    private static Call[] Calls(Random random, int count)
    {
        var calls = new Call[count];
        for (int i = 0; i < count; i++)
        {
            int space = random.Next(2);
            int device = random.Next(2);
            var pasid = new Ioasid((uint)random.Next(1, 4));
            SvmBindFlags flags = random.Next(6) == 0 ? SvmBindFlags.Private : SvmBindFlags.None;
            calls[i] = random.Next(12) switch
            {
                < 4 => new Call($"bind device {device} to {space} {flags}", m => $"{m.Binder.BindMm(m.Devices[device], m.Spaces[space], flags, null, out Ioasid got)} {got}"),
                < 7 => new Call($"unbind device {device} from {pasid}", m => $"{m.Binder.UnbindMm(m.Devices[device], pasid)}"),
                < 10 => new Call($"lookup {pasid}", m => $"{m.Binder.Lookup(pasid, out AddressSpace? found)} {found}"),
                10 => new Call($"is valid {pasid}", m => $"{m.Binder.IsPasidValid(m.Devices[device], pasid, out bool isValid)} {isValid}"),
                _ => new Call($"exit {space}", m =>
                {
                    m.Spaces[space].Exit();
                    return "exited";
                }),
            };
        }

        return calls;
    }

    /// <summary>A binder with two address spaces and two devices, whose requests are always handled.</summary>
    internal sealed class Machine : IPageResponder, IAddressSpaceFaultHandler
    {
        private readonly IPageRequestQueue _queue;
        private readonly List<string> _responses = [];

        public Machine(KernelProfile profile)
        {
            Binder = new SvmBinder(new PasidOptions { Profile = profile, PasidLimit = 4 });
            var iommu = new Iommu("iommu");
            Devices = [new SvmDevice("device 0", iommu), new SvmDevice("device 1", iommu)];
            Spaces = [Binder.CreateAddressSpace("space 0"), Binder.CreateAddressSpace("space 1")];
            Array.ForEach(Spaces, space => space.FaultHandler = this);
            _queue = new PageRequestQueue(Binder, iommu, this);
        }

        public SvmBinder Binder { get; }

        public SvmDevice[] Devices { get; }

        public AddressSpace[] Spaces { get; }

        public bool Ask(int device, Ioasid pasid, int group) =>
            _queue.TryEnqueue(new PageRequest { Device = Devices[device], Pasid = pasid, GroupIndex = group, Rights = PageRequestRights.Read, IsLastInGroup = true });

        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights) => FaultOutcome.Handled;

        public void Respond(in PageResponse response)
        {
            lock (_responses)
            {
                _responses.Add($"{response.GroupIndex} {response.Code}");
            }
        }

        public string State()
        {
            _queue.Process();
            Binder.CheckIntegrity().Where(finding => finding.Quirk == KernelQuirks.None).Should().BeEmpty();
            IEnumerable<string> bindings = Binder.GetBindings().Select(b => $"{b.Pasid} {b.AddressSpace} {b.Flags} {string.Join(' ', b.Devices.Select(d => $"{d.Device}:{d.Users}"))}");
            IEnumerable<string> spaces = Spaces.Select(s => $"{s} {s.Pasid} {s.HasExited} {s.IsDestroyed}");
            return string.Join('\n', [.. bindings, .. spaces, $"live {string.Join(' ', Binder.Allocator.LiveIds())} leaked {string.Join(' ', Binder.GetLeakedPasids())}", .. _responses.Order(StringComparer.Ordinal)]);
        }
    }
}

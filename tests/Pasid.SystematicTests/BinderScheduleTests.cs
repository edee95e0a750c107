using Pasid.SystematicTests.Support;

namespace Pasid.SystematicTests;

/// <summary>Every schedule of a few calls on a binder is explained by some order of them.</summary>
public sealed class BinderScheduleTests
{
    public static TheoryData<string> Profiles() => [nameof(KernelProfile.Default), nameof(KernelProfile.Seed), nameof(KernelProfile.Linux56)];

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Bind_unbind_and_exit_of_one_address_space(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: false),
            machine => machine.State(),
            [m => m.Bind(0), m => m.Unbind(0)],
            [m => m.Exit()],
            [m => m.Lookup()])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Two_devices_of_one_address_space(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: false),
            machine => machine.State(),
            [m => m.Bind(0), m => m.Unbind(0)],
            [m => m.Bind(1), m => m.Lookup()])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Profiles))]
    public void The_last_unbind_beside_exit_and_lookups(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: true),
            machine => machine.State(),
            [m => m.Unbind(0)],
            [m => m.Exit()],
            [m => m.Lookup(), m => m.IsValid()])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Profiles))]
    public void An_unbind_and_then_an_exit_beside_the_question_whether_the_pasid_is_valid(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: true),
            machine => machine.State(),
            [m => m.Unbind(0), m => m.Exit()],
            [m => m.IsValid()])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Profiles))]
    public void A_restore_beside_the_question_whether_the_pasid_is_valid(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: true),
            machine => machine.State(),
            [m => m.Unbind(0), m => m.Exit(), m => m.Restore()],
            [m => m.IsValid(), m => m.Lookup()])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Profiles))]
    public void The_last_unbind_of_an_exited_address_space_beside_a_lookup(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: true),
            machine => machine.State(),
            [m => m.Exit(), m => m.Unbind(0)],
            [m => m.Lookup(), m => m.Lookup()])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Profiles))]
    public void A_rebind_beside_lookups(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: true),
            machine => machine.State(),
            [m => m.Unbind(0), m => m.Bind(0)],
            [m => m.Lookup(), m => m.Lookup()])
            .Should().BeNull();

    [Theory]
    [MemberData(nameof(Profiles))]
    public void Dispose_beside_bind_and_exit(string profile) =>
        Schedules.Refute(
            () => new Machine(profile, isBound: true),
            machine => machine.State(),
            [m => m.DisposeBinder()],
            [m => m.Bind(1), m => m.Unbind(0)],
            [m => m.Exit()])
            .Should().BeNull();

    [Fact]
    public void Dispose_beside_fork_snapshot_and_a_handle() =>
        Schedules.Refute(
            () => new Machine(nameof(KernelProfile.Default), isBound: true),
            machine => machine.State(),
            [m => m.DisposeBinder()],
            [m => m.Fork(), m => m.Capture()],
            [m => m.DisposeHandle()])
            .Should().BeNull();

    [Fact]
    public void Restore_beside_bind_and_unbind() =>
        Schedules.Refute(
            () => new Machine(nameof(KernelProfile.Default), isBound: true),
            machine => machine.State(),
            [m => m.Restore()],
            [m => m.Unbind(0), m => m.Bind(1)])
            .Should().BeNull();

    [Fact]
    public void Restore_beside_a_custom_allocator_that_comes() =>
        Schedules.Refute(
            () => new Machine(nameof(KernelProfile.Default), isBound: true),
            machine => machine.State(),
            [m => m.Restore()],
            [m => m.Unbind(0), m => m.Exit(), m => m.Register()])
            .Should().BeNull();

    /// <summary>A binder with one address space and two devices.</summary>
    private sealed class Machine : IDisposable
    {
        private readonly IoasidAllocator _allocator = new();
        private readonly SvmBinder _binder;
        private readonly SvmDevice[] _devices;
        private readonly AddressSpace _space;
        private readonly SvmBinding? _handle;
        private readonly PasidSnapshot _first;

        public Machine(string profile, bool isBound)
        {
            _binder = new SvmBinder(_allocator, new PasidOptions
            {
                Profile = (KernelProfile)typeof(KernelProfile).GetProperty(profile)!.GetValue(null)!,
                PasidLimit = 4,
            });
            var iommu = new Iommu("iommu");
            _devices = [new SvmDevice("device 0", iommu), new SvmDevice("device 1", iommu)];
            _space = _binder.CreateAddressSpace("space");
            _handle = isBound ? _binder.Bind(_devices[0], _space) : null;
            _first = _binder.CaptureSnapshot();
        }

        public string Bind(int device) => Guard(() => $"{_binder.BindMm(_devices[device], _space, out Ioasid pasid)} {pasid}");

        public string Unbind(int device) => Guard(() => $"{_binder.UnbindMm(_devices[device], new Ioasid(1))}");

        public string Lookup() => $"{_binder.Lookup(new Ioasid(1), out AddressSpace? found)} {found}";

        public string IsValid() => $"{_binder.IsPasidValid(_devices[0], new Ioasid(1), out bool isValid)} {isValid}";

        public string Exit() => Guard(() =>
        {
            _space.Exit();
            return "exited";
        });

        public string Fork() => Guard(() => $"{_space.Fork("child").Pasid}");

        public string Capture() => Guard(() => $"{_binder.CaptureSnapshot().LiveCount}");

        public string Restore() => Guard(() =>
        {
            _binder.Restore(_first, new PasidSnapshotMap
            {
                FindDevice = name => _devices.FirstOrDefault(device => device.Name == name),
                FindAddressSpace = name => name == "space" ? _space : null,
            });
            return "restored";
        });

        public string Register() => $"{_allocator.Register(new CustomIoasidAllocator("custom", new None()))}";

        public string DisposeHandle()
        {
            _handle!.Dispose();
            return "unbound";
        }

        public void Dispose() => _binder.Dispose();

        public string DisposeBinder()
        {
            Dispose();
            return "disposed";
        }

        public string State()
        {
            IntegrityFinding? finding = _binder.CheckIntegrity().FirstOrDefault(f => f.Quirk == KernelQuirks.None);
            if (finding is not null)
            {
                throw new InvalidOperationException(finding.ToString());
            }

            IEnumerable<string> bindings = _binder.GetBindings().Select(b => $"{b.Pasid} {b.AddressSpace} {string.Join(' ', b.Devices.Select(d => $"{d.Device}:{d.Users}"))}");
            return $"{string.Join("; ", bindings)} live {string.Join(' ', _binder.Allocator.LiveIds())} space {_space.Pasid} {_space.HasExited} {_space.IsDestroyed}";
        }

        private sealed class None : ICustomIoasidFunctions
        {
            public Ioasid Allocate(IoasidRange range, object? privateData) => Ioasid.Invalid;

            public void Free(Ioasid id, object? privateData)
            {
            }
        }

        private static string Guard(Func<string> call)
        {
            try
            {
                return call();
            }
            catch (Exception exception) when (exception is ObjectDisposedException or InvalidOperationException)
            {
                return exception.GetType().Name;
            }
        }
    }
}

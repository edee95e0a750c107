using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>Callbacks that call back, throw while something is taken down, or answer nonsense.</summary>
public sealed class CallbackTests
{
    [Fact]
    public void Every_call_of_the_binder_from_inside_a_callback_throws_at_once_and_changes_nothing()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        AddressSpace other = host.Process("Q");
        SvmBinding binding = host.Binder.Bind(host.DeviceB, other);
        Dictionary<string, Exception?> thrown = [];
        host.Iommu0.Inside = member =>
        {
            if (member != nameof(IIommu.SetUpPasidEntry))
            {
                return;
            }

            thrown["create"] = Record.Exception(() => host.Binder.CreateAddressSpace("X"));
            thrown["bind"] = Record.Exception(() => host.Binder.BindMm(host.DeviceB, process, out _));
            thrown["everyday"] = Record.Exception(() => host.Binder.Bind(host.DeviceB, process));
            thrown["enable"] = Record.Exception(() => host.Binder.EnablePasid(host.DeviceB));
            thrown["unbind"] = Record.Exception(() => host.Binder.UnbindMm(host.DeviceB, new Ioasid(1)));
            thrown["handle"] = Record.Exception(binding.Dispose);
            thrown["exit"] = Record.Exception(other.Exit);
            thrown["fork"] = Record.Exception(() => other.Fork("C"));
            thrown["exec"] = Record.Exception(() => other.Exec("E"));
            thrown["bindings"] = Record.Exception(() => host.Binder.GetBindings());
            thrown["leaked"] = Record.Exception(() => host.Binder.GetLeakedPasids());
            thrown["dispose"] = Record.Exception(host.Binder.Dispose);
        };

        host.Bind(host.DeviceA, process, 2);

        thrown.Should().HaveCount(12);
        thrown.Should().OnlyContain(pair => pair.Value is InvalidOperationException && pair.Value.Message.StartsWith("The binder was changed from inside one of its own callbacks", StringComparison.Ordinal));
        host.Iommu0.Inside = null;
        host.Iommu0.Entries.Should().Equal("devA/2=P", "devB/1=Q");
        other.HasExited.Should().BeFalse();
        binding.Dispose();
        host.Iommu0.Entries.Should().Equal("devA/2=P");
    }

    [Fact]
    public void Calls_from_inside_the_observer_and_the_fault_injector_throw_too()
    {
        var inside = new InjectorThatCallsBack();
        var binder = new SvmBinder(new PasidOptions { FaultInjector = inside });
        inside.Binder = binder;
        Action injector = () => binder.Bind(new SvmDevice("dev", new Iommu("iommu")), binder.CreateAddressSpace("P"));
        injector.Should().Throw<InvalidOperationException>();
        binder.Allocator.LiveCount.Should().Be(0);

        using var host = new Host();
        host.InsideObserver = _ => host.Binder.GetBindings();
        Action observer = () => host.Binder.Bind(host.DeviceA, host.Process("P"));
        observer.Should().Throw<InvalidOperationException>();
        host.InsideObserver = null;
        host.Live().Should().BeEmpty();
    }

    [Fact]
    public void Lookups_from_inside_a_callback_are_allowed()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        PasidStatus lookup = PasidStatus.Busy;
        PasidStatus valid = PasidStatus.Busy;
        host.Iommu0.Inside = _ =>
        {
            lookup = host.Binder.Lookup(new Ioasid(1), out AddressSpace? _);
            valid = host.Binder.IsPasidValid(host.DeviceA, new Ioasid(1), out bool _);
        };

        host.Bind(host.DeviceB, process, 1);

        lookup.Should().Be(PasidStatus.Success);
        valid.Should().Be(PasidStatus.Success);
    }

    [Fact]
    public void An_iommu_that_throws_at_tear_down_leaves_the_device_bound()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        SvmBinding binding = host.Binder.Bind(host.DeviceA, process);
        string before = host.State();
        host.Iommu0.Inside = Throwing(nameof(IIommu.TearDownPasidEntry));

        Action unbind = () => host.Binder.UnbindMm(host.DeviceA, new Ioasid(1));
        Action dispose = binding.Dispose;
        unbind.Should().Throw<TimeoutException>();
        dispose.Should().Throw<TimeoutException>();

        host.State().Should().Be(before);
        host.Iommu0.Inside = null;
        binding.Dispose();
        host.Binder.GetBindings().Should().BeEmpty();
    }

    [Fact]
    public void An_iommu_that_throws_at_a_flush_does_not_stop_the_unbind()
    {
        using var host = new Host(KernelProfile.Linux56);
        SvmBinding binding = host.Binder.Bind(host.DeviceA, host.Process("P"));
        host.Iommu0.Inside = Throwing(nameof(IIommu.Flush));

        Action dispose = binding.Dispose;
        dispose.Should().Throw<TimeoutException>();

        host.Binder.GetBindings().Should().BeEmpty();
        host.Live().Should().BeEmpty();
        host.Events.Should().EndWith(["ioasid_free 1", "notifier_unregister P"]);
        host.Iommu0.Inside = null;
        binding.Dispose();
    }

    [Fact]
    public void An_observer_that_throws_does_not_stop_an_unbind_or_an_exit()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceB, process, 1);
        int calls = 0;
        host.InsideObserver = _ => throw new TimeoutException($"call {calls++}");

        Action exit = process.Exit;
        exit.Should().Throw<TimeoutException>().WithMessage("call 0", "the first failure is passed on");
        process.HasExited.Should().BeTrue();
        host.Iommu0.Entries.Should().BeEmpty();
        calls.Should().Be(6);

        foreach (SvmDevice device in new[] { host.DeviceA, host.DeviceB })
        {
            Action unbind = () => host.Binder.UnbindMm(device, new Ioasid(1));
            unbind.Should().Throw<TimeoutException>();
        }

        process.IsDestroyed.Should().BeTrue();
        host.Live().Should().BeEmpty();
        host.InsideObserver = null;
        host.Bind(host.DeviceA, host.Process("Q"), 1);
    }

    [Fact]
    public void An_iommu_that_throws_at_exit_does_not_keep_other_entries_present()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceFar, process, 1);
        host.Bind(host.DeviceA, process, 1);
        host.Iommu0.Inside = Throwing(nameof(IIommu.TearDownPasidEntry));

        Action exit = process.Exit;
        exit.Should().Throw<TimeoutException>();

        process.HasExited.Should().BeTrue();
        host.Iommu1.Entries.Should().BeEmpty();
        host.Iommu0.Inside = null;
    }

    [Fact]
    public void Disposal_goes_to_its_end_whatever_throws()
    {
        var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Bind(host.DeviceFar, process, 1);
        host.Bind(host.DeviceA, null, 2, SvmBindFlags.Supervisor);
        host.Iommu0.Inside = _ => throw new TimeoutException("iommu0");
        host.InsideObserver = _ => throw new TimeoutException("observer");

        Action dispose = host.Binder.Dispose;
        dispose.Should().Throw<TimeoutException>();

        host.Live().Should().BeEmpty();
        host.Iommu1.Entries.Should().BeEmpty();
        host.Binder.GetBindings().Should().BeEmpty();
        host.Binder.Dispose();
    }

    [Fact]
    public void Answers_that_are_no_status_throw_and_the_bind_is_undone()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        string before = host.State();
        Action bind = () => host.Binder.BindMm(host.DeviceA, process, out _);

        host.Iommu0.EnableStatus = (PasidStatus)1;
        bind.Should().Throw<InvalidOperationException>().WithMessage("The IOMMU 'iommu0' answered 1, which is no status*");
        host.Iommu0.EnableStatus = PasidStatus.Success;

        host.Iommu0.SetUpStatus = (PasidStatus)7;
        bind.Should().Throw<InvalidOperationException>().WithMessage("The IOMMU 'iommu0' answered 7, which is no status*");
        host.Iommu0.SetUpStatus = PasidStatus.Success;

        foreach (SvmFaultPoint point in Enum.GetValues<SvmFaultPoint>().Where(point => point != SvmFaultPoint.AddressSpaceCopy))
        {
            host.Armed = point;
            host.ArmedStatus = (PasidStatus)int.MaxValue;
            bind.Should().Throw<InvalidOperationException>().WithMessage("The fault injector answered 2147483647, which is no status*");
        }

        host.State().Should().Be(before);
    }

    [Fact]
    public void A_custom_allocator_that_throws_undoes_a_bind_and_does_not_stop_an_unbind()
    {
        using var host = new Host(KernelProfile.Linux56);
        SpyFunctions functions = SpyFunctions.Downwards();
        host.Allocator.Register(new CustomIoasidAllocator("custom", functions));
        AddressSpace process = host.Process("P");
        functions.InsideAllocate = () => throw new TimeoutException();

        Action bind = () => host.Binder.BindMm(host.DeviceA, process, out _);
        bind.Should().Throw<TimeoutException>();
        host.Binder.GetBindings().Should().BeEmpty();

        functions.InsideAllocate = null;
        host.Bind(host.DeviceA, process, 1_048_575);
        functions.InsideFree = () => throw new TimeoutException();
        Action unbind = () => host.Binder.UnbindMm(host.DeviceA, new Ioasid(1_048_575));
        unbind.Should().Throw<TimeoutException>();

        host.Binder.GetBindings().Should().BeEmpty();
        host.Iommu0.Entries.Should().BeEmpty();
        host.Binder.CheckIntegrity().Should().ContainSingle("the functions did not take the PASID back").Which.Invariant.Should().Be(IntegrityInvariant.NoStaleData);
        host.IsDamaged = true;
    }

    private static Action<string> Throwing(string member) => called =>
    {
        if (called == member)
        {
            throw new TimeoutException();
        }
    };

    private sealed class InjectorThatCallsBack : ISvmFaultInjector
    {
        public SvmBinder? Binder { get; set; }

        public PasidStatus Inject(SvmFaultPoint point, SvmDevice? device, AddressSpace? addressSpace)
        {
            Binder!.CreateAddressSpace("X");
            return PasidStatus.Success;
        }
    }
}

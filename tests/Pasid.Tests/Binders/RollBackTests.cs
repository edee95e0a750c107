using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>A bind that fails, at whatever step and in whatever way, leaves all that can be observed as it was.</summary>
public sealed class RollBackTests
{
    public enum Situation
    {
        FirstBind,
        Rebind,
        FurtherDevice,
        FurtherDeviceElsewhere,
        Private,
        Supervisor,
        PrivateSupervisor,
        SupervisorFurther,
    }

    public static TheoryData<Situation, SvmFaultPoint, string> Failures()
    {
        var failures = new TheoryData<Situation, SvmFaultPoint, string>();
        foreach (string profile in new[] { "default", "v5.6" })
        {
            foreach (Situation situation in Enum.GetValues<Situation>())
            {
                foreach (SvmFaultPoint point in Enum.GetValues<SvmFaultPoint>().Where(point => point != SvmFaultPoint.AddressSpaceCopy).Where(point => Reaches(situation, point)))
                {
                    failures.Add(situation, point, profile);
                }
            }
        }

        return failures;
    }

    public static TheoryData<Situation, string> Situations()
    {
        var situations = new TheoryData<Situation, string>();
        foreach (Situation situation in Enum.GetValues<Situation>())
        {
            situations.Add(situation, "default");
            situations.Add(situation, "v5.6");
        }

        return situations;
    }

    [Theory]
    [MemberData(nameof(Failures))]
    public void An_injected_failure_leaves_everything_as_it_was(Situation situation, SvmFaultPoint point, string profile)
    {
        using Host host = Prepare(situation, profile, out Func<PasidStatus> bind);
        string before = host.State();
        host.Armed = point;
        host.ArmedStatus = (PasidStatus)(-5);

        bind().Should().Be((PasidStatus)(-5), "the injected status is passed through, whatever it is");

        host.State().Should().Be(before);
        host.Armed = null;
        bind().Should().Be(PasidStatus.Success, "what failed once can be done again");
    }

    [Theory]
    [MemberData(nameof(Situations))]
    public void An_iommu_that_refuses_leaves_everything_as_it_was(Situation situation, string profile)
    {
        using Host host = Prepare(situation, profile, out Func<PasidStatus> bind);
        string before = host.State();

        host.Iommu0.SetUpStatus = host.Iommu1.SetUpStatus = PasidStatus.Busy;
        bind().Should().Be(PasidStatus.Busy);
        host.State().Should().Be(before);

        host.Iommu0.SetUpStatus = host.Iommu1.SetUpStatus = PasidStatus.Success;
        host.Iommu0.EnableStatus = host.Iommu1.EnableStatus = PasidStatus.NotSupported;
        bind().Should().Be(PasidStatus.NotSupported);
        host.State().Should().Be(before);
    }

    [Theory]
    [MemberData(nameof(Situations))]
    public void A_callback_that_throws_at_any_step_leaves_everything_as_it_was(Situation situation, string profile)
    {
        // The first run counts the callbacks of the bind that succeeds; then each of them throws once.
        int callbacks;
        using (Host counted = Prepare(situation, profile, out Func<PasidStatus> succeed))
        {
            int count = 0;
            Arm(counted, () => count++);
            succeed().Should().Be(PasidStatus.Success);
            callbacks = count;
        }

        callbacks.Should().BeGreaterThan(3);
        for (int throwing = 0; throwing < callbacks; throwing++)
        {
            using Host host = Prepare(situation, profile, out Func<PasidStatus> bind);
            string before = host.State();
            int count = 0;
            int failing = throwing;
            Arm(host, () =>
            {
                if (count++ == failing)
                {
                    throw new TimeoutException($"callback {failing}");
                }
            });

            Action act = () => bind();
            act.Should().Throw<TimeoutException>().WithMessage($"callback {failing}");

            Arm(host, () => { });
            host.State().Should().Be(before, "callback {0} threw", failing);
            bind().Should().Be(PasidStatus.Success);
        }
    }

    [Fact]
    public void Events_of_a_failed_first_bind_show_the_way_back()
    {
        using var host = new Host { Armed = SvmFaultPoint.PasidEntrySetup, ArmedStatus = PasidStatus.InvalidArgument };

        host.BindFails(host.DeviceA, host.Process("P"), PasidStatus.InvalidArgument);

        host.Events.Should().Equal(
            "enable_pasid iommu0 devA",
            "ioasid_alloc 1..1048575 -> 1",
            "notifier_register P",
            "setup iommu0 devA pasid=1 mm=P super=0 = -22",
            "notifier_unregister P",
            "ioasid_free 1");
    }

    [Fact]
    public void Events_of_a_failed_rebind_show_that_the_data_is_cleared()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceA, process, 1);
        host.Unbind(host.DeviceA, 1);
        host.TakeEvents();
        host.Armed = SvmFaultPoint.NotifierRegistration;

        host.BindFails(host.DeviceA, process, PasidStatus.OutOfMemory);

        host.Events.Should().Equal(
            "enable_pasid iommu0 devA",
            "ioasid_set_data 1 svm",
            "notifier_register P = -12",
            "ioasid_set_data 1 null");
    }

    private static void Arm(Host host, Action inside)
    {
        host.InsideObserver = _ => inside();
        host.Iommu0.Inside = _ => inside();
        host.Iommu1.Inside = _ => inside();
    }

    private static bool Reaches(Situation situation, SvmFaultPoint point) => point switch
    {
        SvmFaultPoint.SvmRecord => situation is not (Situation.FurtherDevice or Situation.FurtherDeviceElsewhere or Situation.SupervisorFurther),
        SvmFaultPoint.NotifierRegistration => situation is Situation.FirstBind or Situation.Rebind or Situation.Private,
        _ => true,
    };

    private static Host Prepare(Situation situation, string profile, out Func<PasidStatus> bind)
    {
        var host = new Host(profile == "default" ? KernelProfile.Default : KernelProfile.Linux56);
        AddressSpace process = host.Process("P");
        host.Bind(host.DeviceB, host.Process("other"), 1);
        SvmDevice device = host.DeviceA;
        SvmBindFlags flags = SvmBindFlags.None;
        switch (situation)
        {
            case Situation.Rebind:
                host.Bind(host.DeviceA, process, 2);
                host.Unbind(host.DeviceA, 2);
                break;
            case Situation.FurtherDevice:
                host.Bind(host.DeviceB, process, 2);
                break;
            case Situation.FurtherDeviceElsewhere:
                host.Bind(host.DeviceA, process, 2);
                device = host.DeviceFar;
                break;
            case Situation.Private:
                host.Bind(host.DeviceA, process, 2);
                flags = SvmBindFlags.Private;
                break;
            case Situation.Supervisor:
                flags = SvmBindFlags.Supervisor;
                break;
            case Situation.PrivateSupervisor:
                flags = SvmBindFlags.Supervisor | SvmBindFlags.Private;
                break;
            case Situation.SupervisorFurther:
                host.Bind(host.DeviceB, null, 2, SvmBindFlags.Supervisor);
                flags = SvmBindFlags.Supervisor;
                break;
        }

        host.TakeEvents();
        bind = () => host.Binder.BindMm(device, process, flags, null, out _);
        return host;
    }
}

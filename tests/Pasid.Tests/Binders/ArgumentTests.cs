using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>What the host program does wrong is an exception that says what was wrong, and changes nothing.</summary>
public sealed class ArgumentTests
{
    [Fact]
    public void Null_arguments_are_named()
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");
        string before = host.State();
        (string Parameter, Action Call)[] calls =
        [
            ("device", () => host.Binder.BindMm(null!, process, out _)),
            ("device", () => host.Binder.Bind(null!, process)),
            ("device", () => host.Binder.EnablePasid(null!)),
            ("device", () => host.Binder.UnbindMm(null!, new Ioasid(1))),
            ("device", () => host.Binder.IsPasidValid(null!, new Ioasid(1), out _)),
            ("addressSpace", () => host.Binder.BindMm(host.DeviceA, null!, out _)),
            ("addressSpace", () => host.Binder.Bind(host.DeviceA, null, SvmBindFlags.Private)),
            ("name", () => host.Binder.CreateAddressSpace(null!)),
            ("name", () => process.Fork(null!)),
            ("name", () => process.Exec(null!)),
            ("name", () => _ = new SvmDevice(null!, null)),
            ("name", () => _ = new Iommu(null!)),
            ("allocator", () => _ = new SvmBinder((IIoasidAllocator)null!)),
            ("options", () => _ = new SvmBinder((PasidOptions)null!)),
            ("binder", () => ((ISvmBinder)null!).BindMm(host.DeviceA, process, out _)),
            ("allocator", () => ((IIoasidAllocator)null!).Allocate(IoasidRange.Pasids)),
            ("allocator", () => ((IIoasidAllocator)null!).LiveIds()),
            ("allocator", () => ((IIoasidAllocator)null!).Lookup(default, out _)),
            ("allocator", () => ((IIoasidAllocator)null!).Lookup(default, null, out _)),
        ];

        foreach ((string parameter, Action call) in calls)
        {
            call.Should().Throw<ArgumentNullException>().WithParameterName(parameter.TrimEnd());
        }

        host.State().Should().Be(before);
    }

    [Fact]
    public void An_address_space_of_another_binder_is_refused()
    {
        using var host = new Host();
        using var other = new Host();

        Action bind = () => host.Binder.BindMm(host.DeviceA, other.Process("Q"), out _);

        bind.Should().Throw<ArgumentException>().WithMessage("The address space 'Q' belongs to another binder: bind it with the one that made it.*").WithParameterName("addressSpace");
        host.Live().Should().BeEmpty();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(-1)]
    public void Undefined_flags_are_refused(int flags)
    {
        using var host = new Host();
        AddressSpace process = host.Process("P");

        Action bind = () => host.Binder.BindMm(host.DeviceA, process, (SvmBindFlags)flags, null, out _);
        Action enable = () => host.Binder.EnablePasid(host.DeviceA, (SvmBindFlags)flags);

        bind.Should().Throw<ArgumentOutOfRangeException>().WithParameterName(nameof(flags));
        enable.Should().Throw<ArgumentOutOfRangeException>().WithParameterName(nameof(flags));
        host.Events.Should().BeEmpty();
    }

    [Fact]
    public void Options_that_make_no_sense_are_all_named_in_one_message()
    {
        Action make = () => _ = new SvmBinder(new PasidOptions { Profile = null!, PasidLimit = 1_048_577 });
        Action lifetime = () => _ = new SvmBinder(new PasidOptions
        {
            Profile = new KernelProfile("odd", (PasidLifetime)5, KernelQuirks.None),
            PasidLimit = -1,
        });

        make.Should().Throw<ArgumentException>().WithMessage("*Profile is null*PasidLimit is 1048577: give 0 to 1048576.*").WithParameterName("options");
        lifetime.Should().Throw<ArgumentException>().WithMessage("*Lifetime is 5*PasidLimit is -1*");
    }

    [Fact]
    public void Options_are_read_once()
    {
        var options = new PasidOptions();
        using var binder = new SvmBinder(options);
        options.PasidLimit = 1;
        options.Profile = KernelProfile.Seed;

        binder.BindMm(new SvmDevice("dev", new Iommu("iommu")), binder.CreateAddressSpace("P"), out Ioasid pasid).Should().Be(PasidStatus.Success);

        pasid.Should().Be(new Ioasid(1));
        binder.Profile.Should().BeSameAs(KernelProfile.Default);
    }

    [Fact]
    public void A_limit_of_no_pasids_at_all_is_an_exhausted_system()
    {
        using var host = new Host(pasidLimit: 0);

        host.BindFails(host.DeviceA, host.Process("P"), PasidStatus.NoSpace);
    }
}

using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

public sealed class SvmBinderConcurrencyTests
{
    [Theory]
    [InlineData("default")]
    [InlineData("v5.6")]
    public async Task Binds_unbinds_exits_and_lookups_of_many_threads_leave_nothing_behind(string profile)
    {
        const int Threads = 4;
        using var host = new Host(profile == "default" ? KernelProfile.Default : KernelProfile.Linux56);
        var quiet = new SvmBinder(host.Allocator, new PasidOptions { Profile = host.Binder.Profile });
        AddressSpace common = quiet.CreateAddressSpace("common");
        SvmDevice[] devices = [host.DeviceA, host.DeviceB, host.DeviceFar];
        using var start = new Barrier(Threads);

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                var random = new Random(thread);
                start.SignalAndWait();
                for (int i = 0; i < 3_000; i++)
                {
                    AddressSpace own = quiet.CreateAddressSpace($"{thread}/{i}");
                    SvmDevice device = devices[random.Next(devices.Length)];
                    SvmBinding binding = quiet.Bind(device, own);
                    SvmBinding shared = quiet.Bind(device, common);
                    quiet.Lookup(binding.Pasid, out AddressSpace? found).Should().Be(PasidStatus.Success);
                    found.Should().BeSameAs(own);
                    if (random.Next(2) == 0)
                    {
                        own.Exit();
                    }

                    shared.Dispose();
                    binding.Dispose();
                    own.Exit();
                    own.IsDestroyed.Should().BeTrue();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));

        quiet.GetBindings().Should().BeEmpty();
        common.Exit();
        host.Live().Should().BeEmpty();
        host.Iommu0.Entries.Concat(host.Iommu1.Entries).Should().BeEmpty();
        quiet.Dispose();
    }
}

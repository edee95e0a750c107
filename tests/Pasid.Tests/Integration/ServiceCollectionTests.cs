using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pasid.Tests.Support;

namespace Pasid.Tests.Integration;

public sealed class ServiceCollectionTests
{
    [Fact]
    public void AddPasid_registers_a_host_of_singletons_and_nothing_else()
    {
        var services = new ServiceCollection();

        services.AddPasid().Should().BeSameAs(services);

        services.Select(s => s.ServiceType).Should().BeEquivalentTo([typeof(IIommu), typeof(IIoasidAllocator), typeof(SvmBinder), typeof(ISvmBinder), typeof(IPageRequestQueue)]);
        services.Should().OnlyContain(s => s.Lifetime == ServiceLifetime.Singleton);
    }

    [Fact]
    public void AddPasid_gives_a_host_that_binds_without_logging_and_metrics_services()
    {
        using ServiceProvider provider = new ServiceCollection().AddPasid().BuildServiceProvider(validateScopes: true);
        ISvmBinder binder = provider.GetRequiredService<ISvmBinder>();
        var device = new SvmDevice("device", provider.GetRequiredService<IIommu>());

        using SvmBinding binding = binder.Bind(device, binder.CreateAddressSpace("process"));

        binding.Pasid.Should().Be(new Ioasid(1));
        provider.GetRequiredService<IIoasidAllocator>().LiveCount.Should().Be(1);
        binder.Profile.Should().BeSameAs(KernelProfile.Default);
        provider.GetRequiredService<ISvmBinder>().Should().BeSameAs(binder);
    }

    [Fact]
    public void AddPasid_keeps_what_is_registered_already()
    {
        var allocator = new IoasidAllocator();
        var iommu = new FakeIommu("mine");
        var services = new ServiceCollection();
        services.AddSingleton<IIoasidAllocator>(allocator).AddSingleton<IIommu>(iommu);
        services.AddPasid(options => options.PasidLimit = 7).AddPasid(options => options.PasidLimit = 9);
        using ServiceProvider provider = services.BuildServiceProvider();

        var binder = (SvmBinder)provider.GetRequiredService<ISvmBinder>();

        binder.Allocator.Should().BeSameAs(allocator);
        provider.GetRequiredService<IIommu>().Should().BeSameAs(iommu);
        binder.GetStatistics().Capacity.Should().Be(6, "the first registration counts");
    }

    [Fact]
    public void AddPasid_configures_from_other_services()
    {
        var services = new ServiceCollection();
        services.AddSingleton(KernelProfile.Linux56);
        services.AddPasid((provider, options) => options.Profile = provider.GetRequiredService<KernelProfile>());
        using ServiceProvider provider = services.BuildServiceProvider();

        provider.GetRequiredService<ISvmBinder>().Profile.Should().BeSameAs(KernelProfile.Linux56);
    }

    [Fact]
    public void AddPasid_with_options_that_make_no_sense_names_all_of_them_in_one_message()
    {
        using ServiceProvider provider = new ServiceCollection()
            .AddPasid(options =>
            {
                options.Profile = null!;
                options.PasidLimit = -1;
            })
            .BuildServiceProvider();

        provider.Invoking(p => p.GetRequiredService<ISvmBinder>())
            .Should().Throw<ArgumentException>().WithMessage("*Profile is null*PasidLimit is -1: give 0 to 1048576*");
    }

    [Fact]
    public void AddKeyedPasid_makes_hosts_that_know_nothing_of_each_other()
    {
        var shared = new FakeIommu("shared");
        var own = new FakeIommu("own");
        var services = new ServiceCollection();
        services.AddSingleton<IIommu>(shared);
        services.AddKeyedSingleton<IIommu>("south", own);
        services.AddKeyedPasid("north").AddKeyedPasid("south", options => options.Profile = KernelProfile.Linux56).AddPasid();
        using ServiceProvider provider = services.BuildServiceProvider();
        ISvmBinder north = provider.GetRequiredKeyedService<ISvmBinder>("north");
        ISvmBinder south = provider.GetRequiredKeyedService<ISvmBinder>("south");
        ISvmBinder unkeyed = provider.GetRequiredService<ISvmBinder>();

        foreach ((ISvmBinder binder, IIommu? iommu) in new[]
        {
            (north, provider.GetKeyedService<IIommu>("north")),
            (south, provider.GetKeyedService<IIommu>("south")),
            (unkeyed, provider.GetService<IIommu>()),
        })
        {
            binder.Bind(new SvmDevice("device", iommu), binder.CreateAddressSpace("process")).Pasid.Should().Be(new Ioasid(1));
        }

        provider.GetKeyedService<IIommu>("north").Should().BeSameAs(shared);
        provider.GetKeyedService<IIommu>("south").Should().BeSameAs(own);
        north.Profile.Should().BeSameAs(KernelProfile.Default);
        south.Profile.Should().BeSameAs(KernelProfile.Linux56);
        provider.GetRequiredKeyedService<IIoasidAllocator>("north").LiveCount.Should().Be(1);
    }

    [Fact]
    public void AddKeyedPasid_twice_with_one_key_keeps_the_first()
    {
        using ServiceProvider provider = new ServiceCollection()
            .AddKeyedPasid("host", options => options.PasidLimit = 5)
            .AddKeyedPasid("host", (_, options) => options.PasidLimit = 6)
            .BuildServiceProvider();

        provider.GetRequiredKeyedService<ISvmBinder>("host").GetStatistics().Capacity.Should().Be(4);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_decorated_binder_works_with_the_queue_of_the_container(bool isKeyed)
    {
        var services = new ServiceCollection();
        var responder = new AnswersInOrder();
        services.AddSingleton<IPageResponder>(responder);
        if (isKeyed)
        {
            services.AddKeyedPasid("host").AddKeyedSingleton<ISvmBinder>("host", (provider, key) => new DecoratedBinder(provider.GetRequiredKeyedService<SvmBinder>(key)));
        }
        else
        {
            services.AddPasid().AddSingleton<ISvmBinder>(provider => new DecoratedBinder(provider.GetRequiredService<SvmBinder>()));
        }

        using ServiceProvider provider = services.BuildServiceProvider();
        ISvmBinder binder = isKeyed ? provider.GetRequiredKeyedService<ISvmBinder>("host") : provider.GetRequiredService<ISvmBinder>();
        IPageRequestQueue queue = isKeyed ? provider.GetRequiredKeyedService<IPageRequestQueue>("host") : provider.GetRequiredService<IPageRequestQueue>();
        var device = new SvmDevice("device", queue.Iommu);
        binder.BindMm(device, binder.CreateAddressSpace("process"), SvmBindFlags.None, null, out Ioasid pasid);
        queue.TryEnqueue(new PageRequest { Device = device, Pasid = pasid, Rights = PageRequestRights.Read, IsLastInGroup = true }).Should().BeTrue();

        binder.UnbindMm(device, pasid).Should().Be(PasidStatus.Success);

        binder.Should().BeOfType<DecoratedBinder>().Which.Calls.Should().Be(3);
        responder.Answers.Should().Equal([PageResponseCode.InvalidRequest], "the unbind drains the queue");
    }

    [Fact]
    public void The_queue_is_over_a_binder_that_was_registered_before()
    {
        using var mine = new SvmBinder();
        using ServiceProvider provider = new ServiceCollection().AddSingleton<ISvmBinder>(mine).AddPasid().BuildServiceProvider();
        IPageRequestQueue queue = provider.GetRequiredService<IPageRequestQueue>();
        var device = new SvmDevice("device", queue.Iommu);
        mine.BindMm(device, mine.CreateAddressSpace("process"), out Ioasid pasid);
        queue.TryEnqueue(new PageRequest { Device = device, Pasid = pasid, Rights = PageRequestRights.Read, IsLastInGroup = true }).Should().BeTrue();

        mine.UnbindMm(device, pasid);

        queue.GetStatistics().InvalidRequests.Should().Be(1);
    }

    [Fact]
    public async Task Disposing_the_container_leaves_no_id_of_the_binder_allocated()
    {
        var allocator = new IoasidAllocator();
        var services = new ServiceCollection();
        services.AddSingleton<IIoasidAllocator>(allocator);
        services.AddPasid(options => options.Profile = KernelProfile.Seed);
        ServiceProvider provider = services.BuildServiceProvider();
        ISvmBinder binder = provider.GetRequiredService<ISvmBinder>();
        var device = new SvmDevice("device", provider.GetRequiredService<IIommu>());
        binder.Bind(device, binder.CreateAddressSpace("first"));
        binder.Bind(device, binder.CreateAddressSpace("second"), SvmBindFlags.Private).Dispose();
        binder.Bind(device, null, SvmBindFlags.Supervisor);
        allocator.LiveCount.Should().Be(3);

        await provider.DisposeAsync();

        allocator.LiveCount.Should().Be(0);
    }

    [Fact]
    public void Every_overload_refuses_null()
    {
        var services = new ServiceCollection();
        Action[] calls =
        [
            () => PasidServiceCollectionExtensions.AddPasid(null!),
            () => PasidServiceCollectionExtensions.AddPasid(null!, (PasidOptions _) => { }),
            () => PasidServiceCollectionExtensions.AddPasid(null!, (_, _) => { }),
            () => services.AddPasid((Action<PasidOptions>)null!),
            () => services.AddPasid((Action<IServiceProvider, PasidOptions>)null!),
            () => PasidServiceCollectionExtensions.AddKeyedPasid(null!, "key"),
            () => services.AddKeyedPasid(null!),
            () => services.AddKeyedPasid("key", (Action<PasidOptions>)null!),
            () => services.AddKeyedPasid("key", (Action<IServiceProvider, PasidOptions>)null!),
        ];

        foreach (Action call in calls)
        {
            call.Should().Throw<ArgumentNullException>();
        }

        services.Should().BeEmpty();
    }

    [Fact]
    public void Loggers_and_meters_come_from_the_container()
    {
        var services = new ServiceCollection();
        services.AddMetrics();
        services.AddLogging(logging => logging.AddFakeLogging().SetMinimumLevel(LogLevel.Trace));
        services.AddKeyedPasid("north");
        using ServiceProvider provider = services.BuildServiceProvider();
        using var active = new Microsoft.Extensions.Diagnostics.Metrics.Testing.MetricCollector<long>(
            provider.GetRequiredService<IMeterFactory>(), "Pasid", "pasid.allocator.active");
        ISvmBinder binder = provider.GetRequiredKeyedService<ISvmBinder>("north");

        binder.Bind(new SvmDevice("device", provider.GetRequiredKeyedService<IIommu>("north")), binder.CreateAddressSpace("process"));
        active.RecordObservableInstruments();
        provider.GetRequiredKeyedService<IIoasidAllocator>("north").Free(new Ioasid(9));

        active.LastMeasurement!.Value.Should().Be(1);
        active.LastMeasurement.Tags.Should().Contain("pasid.host", "north");
        provider.GetFakeLogCollector().GetSnapshot().Select(r => r.Category).Distinct()
            .Should().BeEquivalentTo(["Pasid.SvmBinder.north", "Pasid.IoasidAllocator.north"]);
    }

    private sealed class AnswersInOrder : IPageResponder
    {
        public List<PageResponseCode> Answers { get; } = [];

        public void Respond(in PageResponse response) => Answers.Add(response.Code);
    }

    /// <summary>What somebody outside can make of the interface: calls that are counted, and go on to the binder.</summary>
    private sealed class DecoratedBinder(ISvmBinder inner) : ISvmBinder
    {
        public int Calls { get; private set; }

        public KernelProfile Profile => inner.Profile;

        private ISvmBinder Counted
        {
            get
            {
                Calls++;
                return inner;
            }
        }

        public AddressSpace CreateAddressSpace(string name) => Counted.CreateAddressSpace(name);

        public SvmBinding Bind(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags = SvmBindFlags.None, ISvmDeviceCallbacks? callbacks = null) =>
            Counted.Bind(device, addressSpace, flags, callbacks);

        public PasidStatus BindMm(SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, ISvmDeviceCallbacks? callbacks, out Ioasid pasid) =>
            Counted.BindMm(device, addressSpace, flags, callbacks, out pasid);

        public PasidStatus EnablePasid(SvmDevice device, SvmBindFlags flags = SvmBindFlags.None) => Counted.EnablePasid(device, flags);

        public PasidStatus UnbindMm(SvmDevice device, Ioasid pasid) => Counted.UnbindMm(device, pasid);

        public PasidStatus IsPasidValid(SvmDevice device, Ioasid pasid, out bool isValid) => Counted.IsPasidValid(device, pasid, out isValid);

        public PasidStatus Lookup(Ioasid pasid, out AddressSpace? addressSpace) => Counted.Lookup(pasid, out addressSpace);

        public IReadOnlyList<SvmBindingInfo> GetBindings() => Counted.GetBindings();

        public IReadOnlyList<Ioasid> GetLeakedPasids() => Counted.GetLeakedPasids();

        public SvmStatistics GetStatistics() => Counted.GetStatistics();

        public void Dispose() => inner.Dispose();
    }
}

using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Pasid.Tests.Support;

namespace Pasid.Tests.Diagnostics;

/// <summary>Instruments belong to their meter, and what a binder counted outlives it.</summary>
[Collection(nameof(AloneCollection))]
public sealed class MeterLifeTests : IDisposable
{
    private const int InstrumentsOfMeter = 17;

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeMeterProvider _provider;
    private readonly FakeIommu _iommu = new("iommu");
    private readonly SvmDevice _device;

    public MeterLifeTests()
    {
        _provider = new FakeMeterProvider(Factory);
        _device = new SvmDevice("device", _iommu);
    }

    private IMeterFactory Factory => _services.GetRequiredService<IMeterFactory>();

    public void Dispose()
    {
        _provider.Dispose();
        _services.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(500)]
    public void Binders_that_come_and_go_leave_one_set_of_instruments_and_no_memory(int names)
    {
        MakeAndDispose(500, names);
        long before = SettledMemory.Measure();

        MakeAndDispose(2000, names);

        long grown = SettledMemory.Measure() - before;
        grown.Should().BeLessThan(100_000);
        _provider.Published.Should().Be(InstrumentsOfMeter);
        _provider.Collect()["pasid.svm.binds pasid.host=0"].Should().Be(2500 / names);
    }

    [Fact]
    public void Binders_that_are_dropped_report_nothing_and_leave_no_memory()
    {
        Drop(500);
        long before = Settle();

        Drop(2000);

        (Settle() - before).Should().BeLessThan(100_000);
        _provider.Collect().Should().BeEmpty();
        _provider.Published.Should().Be(InstrumentsOfMeter);

        long Settle()
        {
            for (int i = 0; i < 10 && _provider.Collect().Count != 0; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            return SettledMemory.Measure();
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Drop(int count)
        {
            for (int i = 0; i < count; i++)
            {
                SvmBinder dropped = Binder("dropped");
                dropped.CreateAddressSpace("process");
            }
        }
    }

    [Fact]
    public void Instruments_go_when_the_factory_goes()
    {
        using SvmBinder binder = Binder("north");
        _provider.Instruments.Should().Be(InstrumentsOfMeter);

        _services.Dispose();

        _provider.Instruments.Should().Be(0);
        _provider.Collect().Should().BeEmpty();
    }

    [Fact]
    public void Binders_that_are_made_at_once_share_one_set_of_instruments()
    {
        Parallel.For(0, 64, i => Binder($"{i}").Dispose());

        _provider.Published.Should().Be(InstrumentsOfMeter);
        _provider.Collect().Keys.Count(key => key.StartsWith("pasid.svm.binds", StringComparison.Ordinal)).Should().Be(64);
    }

    [Fact]
    public void Counters_of_a_disposed_binder_stay_as_they_ended_and_what_goes_up_and_down_is_0()
    {
        SvmBinder binder = Busy("north");
        binder.UnbindMm(_device, new Ioasid(77));
        Dictionary<string, long> before = _provider.Collect();
        before["pasid.svm.bindings pasid.host=north"].Should().Be(1);

        binder.Dispose();

        for (int i = 0; i < 2; i++)
        {
            Dictionary<string, long> after = _provider.Collect();
            after.Keys.Should().BeEquivalentTo(before.Keys);
            after["pasid.svm.binds pasid.host=north"].Should().Be(2);
            after["pasid.svm.unbinds pasid.host=north"].Should().Be(2, "the last one is undone by the disposal");
            after["pasid.allocator.allocations pasid.host=north"].Should().Be(2);
            after["pasid.allocator.frees pasid.host=north"].Should().Be(2);
            after["pasid.svm.failures pasid.host=north error.type=NotFound"].Should().Be(1);
            after["pasid.svm.bindings pasid.host=north"].Should().Be(0);
            after["pasid.svm.address_spaces pasid.host=north"].Should().Be(0);
            after["pasid.allocator.active pasid.host=north"].Should().Be(0);
            after["pasid.allocator.capacity pasid.host=north"].Should().Be(0);
        }
    }

    [Fact]
    public void Binders_with_the_same_tags_are_summed_before_and_after_their_ends()
    {
        SvmBinder first = Busy(null);
        SvmBinder second = Busy(string.Empty);
        second.UnbindMm(_device, new Ioasid(77));
        _provider.Collect()["pasid.svm.binds"].Should().Be(4);
        _provider.Collect()["pasid.svm.bindings"].Should().Be(2);
        _provider.Collect()["pasid.allocator.capacity"].Should().Be(18);

        first.Dispose();
        _provider.Collect()["pasid.svm.binds"].Should().Be(4);
        _provider.Collect()["pasid.svm.bindings"].Should().Be(1);
        second.Dispose();
        using SvmBinder third = Busy(null);
        third.UnbindMm(_device, new Ioasid(77));

        Dictionary<string, long> measured = _provider.Collect();
        measured["pasid.svm.binds"].Should().Be(6);
        measured["pasid.allocator.allocations"].Should().Be(6);
        measured["pasid.svm.failures error.type=NotFound"].Should().Be(2);
        measured["pasid.svm.bindings"].Should().Be(1);
        measured["pasid.allocator.capacity"].Should().Be(9);
    }

    [Fact]
    public void An_allocator_counts_once_whichever_of_its_binders_are_there()
    {
        var allocator = new IoasidAllocator();
        SvmBinder first = Binder("north", allocator);
        SvmBinder second = Binder("north", allocator);
        long allocated = 0;
        void Allocate()
        {
            allocator.Allocate(IoasidRange.Pasids);
            allocated++;
        }

        void Check(int capacity)
        {
            Dictionary<string, long> measured = _provider.Collect();
            measured["pasid.allocator.allocations pasid.host=north"].Should().Be(allocated);
            measured["pasid.allocator.active pasid.host=north"].Should().Be(capacity == 0 ? 0 : allocated);
            measured["pasid.allocator.capacity pasid.host=north"].Should().Be(capacity);
        }

        Allocate();
        Check(capacity: 9);
        first.Dispose();
        Allocate();
        Check(capacity: 9);
        second.Dispose();
        Check(capacity: 0);

        SvmBinder third = Binder("north", allocator);
        Allocate();
        Check(capacity: 9);
        third.Dispose();
        Check(capacity: 0);
    }

    [Fact]
    public void Figures_of_page_requests_stay_when_their_queue_goes()
    {
        SvmBinder binder = Binder("north");
        using (var queue = new PageRequestQueue(binder, _device.Iommu!, new Responder(), new PageRequestQueueOptions { Capacity = 2 }))
        {
            queue.TryEnqueue(new PageRequest { Device = _device, IsLastInGroup = true });
            queue.TryEnqueue(new PageRequest { Device = _device });
            queue.Process();
        }

        binder.GetStatistics().PageRequests.Should().Be(1);
        binder.Dispose();

        Dictionary<string, long> measured = _provider.Collect();
        measured["pasid.page_request.requests pasid.host=north"].Should().Be(1);
        measured["pasid.page_request.responses pasid.host=north"].Should().Be(1);
        measured["pasid.page_request.overflows pasid.host=north"].Should().Be(1);
    }

    [Fact]
    public void A_binder_whose_disposal_threw_has_its_last_figures_and_nothing_left()
    {
        SvmBinder binder = Busy("north");
        _iommu.Inside = member => _ = member == nameof(IIommu.TearDownPasidEntry) ? throw new TimeoutException() : member;

        binder.Invoking(b => b.Dispose()).Should().Throw<TimeoutException>();

        Dictionary<string, long> measured = _provider.Collect();
        measured["pasid.allocator.capacity pasid.host=north"].Should().Be(0);
        measured["pasid.svm.unbinds pasid.host=north"].Should().Be(2);
        _provider.Collect().Should().BeEquivalentTo(measured);
    }

    [Fact]
    public void A_host_that_cannot_be_measured_does_not_hide_the_others()
    {
        using SvmBinder south = Busy("south");
        using SvmBinder north = Busy("north");
        using SvmBinder west = Busy("west");
        Dictionary<string, long>? measured = null;
        Exception? thrown = null;
        _iommu.Inside = _ => measured = _provider.Collect(out thrown);

        north.EnablePasid(_device);

        _iommu.Inside = null;
        measured!.Keys.Should().Contain(["pasid.svm.binds pasid.host=south", "pasid.svm.binds pasid.host=west"]).And.NotContain("pasid.svm.binds pasid.host=north");
        thrown.Should().BeOfType<AggregateException>().Which.InnerExceptions.Should().AllBeOfType<InvalidOperationException>();
        _provider.Collect().Should().ContainKey("pasid.svm.binds pasid.host=north");
    }

    [Fact]
    public void Hosts_that_are_gone_are_remembered_up_to_2000()
    {
        var shared = new IoasidAllocator();
        for (int i = 0; i < 2010; i++)
        {
            Binder($"{i}", shared).Dispose();
        }

        using SvmBinder live = Binder("live");
        string[] hosts = [.. _provider.Collect().Keys.Where(key => key.StartsWith("pasid.svm.binds", StringComparison.Ordinal))];

        hosts.Should().HaveCount(2001).And.NotContain("pasid.svm.binds pasid.host=9").And.Contain(["pasid.svm.binds pasid.host=10", "pasid.svm.binds pasid.host=live"]);
    }

    [Fact]
    public void A_factory_that_answers_no_meter_is_named()
    {
        using var factory = new NoMeters();

        FluentActions.Invoking(() => new SvmBinder(new IoasidAllocator(), options: null, loggerFactory: null, factory))
            .Should().Throw<InvalidOperationException>().WithMessage($"*{typeof(NoMeters)} answered null*");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_container_hands_the_last_figures_to_who_collects_after_it(bool isKeyed)
    {
        IServiceCollection services = new ServiceCollection().AddMetrics();
        ServiceProvider container = (isKeyed ? services.AddKeyedPasid("north") : services.AddPasid(options => options.HostName = "north")).BuildServiceProvider();
        using var provider = new FakeMeterProvider(container.GetRequiredService<IMeterFactory>());
        Work(isKeyed ? container.GetRequiredKeyedService<ISvmBinder>("north") : container.GetRequiredService<ISvmBinder>());

        container.Dispose();

        Dictionary<string, long> measured = provider.Collect();
        measured["pasid.svm.binds pasid.host=north"].Should().Be(2);
        measured["pasid.svm.unbinds pasid.host=north"].Should().Be(2);
        measured["pasid.svm.bindings pasid.host=north"].Should().Be(0);
        provider.Published.Should().Be(InstrumentsOfMeter);
    }

    [Fact]
    public void The_meter_of_a_container_goes_once_nobody_listens()
    {
        ServiceProvider unheard = new ServiceCollection().AddMetrics().AddPasid().BuildServiceProvider();
        IMeterFactory scope = unheard.GetRequiredService<IMeterFactory>();
        Work(unheard.GetRequiredService<ISvmBinder>());
        CountInstruments(scope).Should().Be(InstrumentsOfMeter);
        unheard.Dispose();
        CountInstruments(scope).Should().Be(0);

        ServiceProvider heard = new ServiceCollection().AddMetrics().AddPasid().BuildServiceProvider();
        scope = heard.GetRequiredService<IMeterFactory>();
        var provider = new FakeMeterProvider(scope);
        Work(heard.GetRequiredService<ISvmBinder>());
        heard.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        provider.Instruments.Should().Be(InstrumentsOfMeter);
        provider.Dispose();
        for (int i = 0; i < 10 && CountInstruments(scope) != 0; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        CountInstruments(scope).Should().Be(0);
    }

    [Fact]
    public void A_container_whose_hosts_come_and_go_has_one_set_of_instruments()
    {
        using ServiceProvider container = new ServiceCollection().AddMetrics().AddKeyedPasid("north").AddKeyedPasid("south").BuildServiceProvider();
        using var provider = new FakeMeterProvider(container.GetRequiredService<IMeterFactory>());
        var north = (SvmBinder)container.GetRequiredKeyedService<ISvmBinder>("north");
        Work(north);
        north.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();

        Work(container.GetRequiredKeyedService<ISvmBinder>("south"));

        provider.Published.Should().Be(InstrumentsOfMeter);
        provider.Collect().Should().ContainKeys("pasid.svm.binds pasid.host=north", "pasid.svm.binds pasid.host=south");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OpenTelemetry_exports_the_last_figures_of_a_binder_that_was_made_after_it(bool isHosted)
    {
        List<MetricSnapshot> exported = [];
        void Configure(IServiceCollection services)
        {
            services.AddMetrics().AddPasid(options => options.HostName = "batch");
            services.AddOpenTelemetry().WithMetrics(metrics => metrics.AddMeter("Pasid").AddInMemoryExporter(exported));
        }

        if (isHosted)
        {
            HostApplicationBuilder builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder();
            builder.Logging.ClearProviders();
            Configure(builder.Services);
            using IHost host = builder.Build();
            await host.StartAsync();
            Work(host.Services.GetRequiredService<ISvmBinder>());
            await host.StopAsync();
        }
        else
        {
            var services = new ServiceCollection();
            Configure(services);
            await using ServiceProvider container = services.BuildServiceProvider();
            container.GetRequiredService<MeterProvider>();
            Work(container.GetRequiredService<ISvmBinder>());
        }

        long Sum(string name)
        {
            MetricSnapshot metric = exported.Should().ContainSingle(snapshot => snapshot.Name == name).Subject;
            MetricPoint point = metric.MetricPoints.Should().ContainSingle().Subject;
            foreach (KeyValuePair<string, object?> tag in point.Tags)
            {
                tag.Should().Be(new KeyValuePair<string, object?>("pasid.host", "batch"));
            }

            return point.GetSumLong();
        }

        Sum("pasid.svm.binds").Should().Be(2);
        Sum("pasid.svm.unbinds").Should().Be(2);
        Sum("pasid.allocator.frees").Should().Be(2);
        Sum("pasid.svm.bindings").Should().Be(0);
    }

    private static int CountInstruments(object scope)
    {
        using var provider = new FakeMeterProvider(scope);
        return provider.Instruments;
    }

    private SvmBinder Binder(string? hostName, IoasidAllocator? allocator = null) =>
        new(allocator ?? new IoasidAllocator(), new PasidOptions { PasidLimit = 10, HostName = hostName }, loggerFactory: null, Factory);

    private void MakeAndDispose(int count, int names)
    {
        for (int i = 0; i < count; i++)
        {
            using SvmBinder binder = Binder($"{i % names}");
            binder.Bind(_device, binder.CreateAddressSpace("process"));
        }
    }

    /// <summary>A host with one binding left of two.</summary>
    private SvmBinder Busy(string? hostName)
    {
        SvmBinder binder = Binder(hostName);
        Work(binder);
        return binder;
    }

    private void Work(ISvmBinder binder)
    {
        binder.Bind(_device, binder.CreateAddressSpace("first"));
        binder.Bind(_device, binder.CreateAddressSpace("second"), SvmBindFlags.Private).Dispose();
    }

    private sealed class Responder : IPageResponder
    {
        public void Respond(in PageResponse response)
        {
        }
    }

    private sealed class NoMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => null!;

        public void Dispose()
        {
        }
    }
}

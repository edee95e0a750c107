using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Pasid.Tests.Support;

namespace Pasid.Tests.Diagnostics;

public sealed class MetricsTests : IDisposable
{
    private readonly ServiceProvider _provider = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeIommu _iommu = new("iommu");
    private readonly SvmDevice _device;

    public MetricsTests() => _device = new SvmDevice("device", _iommu);

    private IMeterFactory Factory => _provider.GetRequiredService<IMeterFactory>();

    public void Dispose() => _provider.Dispose();

    [Theory]
    [InlineData("pasid.allocator.active", 2)]
    [InlineData("pasid.allocator.capacity", 9)]
    [InlineData("pasid.allocator.allocations", 3)]
    [InlineData("pasid.allocator.frees", 1)]
    [InlineData("pasid.svm.bindings", 2)]
    [InlineData("pasid.svm.address_spaces", 2)]
    [InlineData("pasid.svm.binds", 4)]
    [InlineData("pasid.svm.unbinds", 2)]
    public void Each_instrument_reports_its_number_with_the_host(string name, long expected)
    {
        using SvmBinder binder = Busy("north");
        using var collector = new MetricCollector<long>(Factory, "Pasid", name);

        collector.RecordObservableInstruments();

        CollectedMeasurement<long> measurement = collector.GetMeasurementSnapshot().Should().ContainSingle().Subject;
        measurement.Value.Should().Be(expected);
        measurement.Tags.Should().BeEquivalentTo(new Dictionary<string, object?> { ["pasid.host"] = "north" });
    }

    [Theory]
    [InlineData("pasid.enqcmd.commands", 1)]
    [InlineData("pasid.enqcmd.retries", 2)]
    [InlineData("pasid.enqcmd.faults", 4)]
    [InlineData("pasid.enqcmd.fixups", 1)]
    [InlineData("pasid.page_request.requests", 3)]
    [InlineData("pasid.page_request.responses", 2)]
    [InlineData("pasid.page_request.overflows", 2)]
    public void Commands_and_page_requests_are_measured(string name, long expected)
    {
        using var binder = new SvmBinder(new IoasidAllocator(), options: null, loggerFactory: null, Factory);
        var portal = new Portal();
        using var queue = new PageRequestQueue(binder, _device.Iommu!, portal, new PageRequestQueueOptions { Capacity = 4 });
        AddressSpace process = binder.CreateAddressSpace("process");
        process.Portals.Map(0, portal);
        SvmThread thread = process.CreateThread("thread");
        thread.Enqcmd(0, new byte[64]);
        binder.BindMm(_device, process, out Ioasid _);
        for (int i = 0; i < 3; i++)
        {
            thread.Enqcmd(0, new byte[64]);
            thread.Enqcmd(1ul << 20, new byte[64]);
            portal.IsFull = true;
        }

        thread.Exit();
        for (int i = 0; i < 5; i++)
        {
            queue.TryEnqueue(new PageRequest { Device = _device, IsLastInGroup = i == 1 || i > 3 });
        }

        queue.Process();
        queue.TryEnqueue(new PageRequest { Device = _device, IsLastInGroup = true });
        using var collector = new MetricCollector<long>(Factory, "Pasid", name);
        collector.RecordObservableInstruments();

        collector.LastMeasurement!.Value.Should().Be(expected);
    }

    [Fact]
    public void Each_call_of_an_allocator_that_fails_is_counted()
    {
        var allocator = new IoasidAllocator();
        var custom = new CustomIoasidAllocator("guest", SpyFunctions.Downwards());
        allocator.Register(custom);
        allocator.Register(custom);
        allocator.Unregister(custom);
        allocator.Unregister(custom);
        allocator.AddReference(new Ioasid(5));

        allocator.GetStatistics().Failures.Should().BeEquivalentTo(new Dictionary<PasidStatus, long> { [PasidStatus.AlreadyExists] = 1, [PasidStatus.NotFound] = 2 });
    }

    [Fact]
    public void Failures_are_told_apart_by_status_and_undefined_ones_share_a_tag()
    {
        using SvmBinder binder = Busy("north");
        binder.UnbindMm(_device, new Ioasid(77));
        binder.UnbindMm(_device, new Ioasid(78));
        _iommu.SetUpStatus = (PasidStatus)(-4711);
        binder.BindMm(_device, binder.CreateAddressSpace("unlucky"), out _);
        binder.Allocator.Free(new Ioasid(500));

        Failures("pasid.svm.failures").Should().BeEquivalentTo(new Dictionary<object, long> { ["NotFound"] = 2, ["_OTHER"] = 1 });
        Failures("pasid.allocator.failures").Should().BeEquivalentTo(new Dictionary<object, long> { ["NotFound"] = 1 });
        binder.GetStatistics().OtherFailures.Should().Be(1);
    }

    [Fact]
    public void A_host_without_a_name_has_no_tag_and_one_that_is_disposed_has_nothing_left()
    {
        SvmBinder binder = Busy(null);
        using var collector = new MetricCollector<long>(Factory, "Pasid", "pasid.svm.bindings");
        collector.RecordObservableInstruments();
        collector.LastMeasurement!.Tags.Should().BeEmpty();
        collector.Clear();

        binder.Dispose();
        collector.RecordObservableInstruments();

        collector.GetMeasurementSnapshot().Should().ContainSingle().Which.Value.Should().Be(0);
    }

    [Fact]
    public void Without_a_factory_a_plain_binder_makes_no_meter_and_a_registered_one_makes_and_disposes_its_own()
    {
        List<string> begun = [];
        List<string> ended = [];
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                // Other tests have meters of that name too; only this one has this capacity.
                if (instrument.Meter.Name == "Pasid")
                {
                    l.EnableMeasurementEvents(instrument, instrument);
                }
            },
            MeasurementsCompleted = (instrument, _) => ended.Add(instrument.Name),
        };
        listener.SetMeasurementEventCallback<long>((instrument, measurement, tags, _) =>
        {
            if (tags.ToArray().Contains(new KeyValuePair<string, object?>("pasid.host", "own meter")))
            {
                begun.Add(instrument.Name);
            }
        });
        listener.Start();

        using (var plain = new SvmBinder(new PasidOptions { HostName = "own meter" }))
        {
            listener.RecordObservableInstruments();
            begun.Should().BeEmpty();
        }

        using (ServiceProvider provider = new ServiceCollection().AddKeyedPasid("own meter").BuildServiceProvider())
        {
            provider.GetRequiredKeyedService<ISvmBinder>("own meter");
            listener.RecordObservableInstruments();
            begun.Should().Contain("pasid.svm.bindings");
        }

        ended.Should().Contain("pasid.svm.bindings");
        begun.Clear();
        listener.RecordObservableInstruments();
        begun.Should().BeEmpty();
    }

    [Fact]
    public void A_binder_that_is_dropped_is_not_kept_by_its_instruments()
    {
        WeakReference dropped = Drop();
        for (int i = 0; i < 10 && dropped.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        dropped.IsAlive.Should().BeFalse();

        WeakReference Drop() => new(new SvmBinder(new IoasidAllocator(), options: null, loggerFactory: null, Factory));
    }

    [Fact]
    public void Statistics_of_the_allocator_go_on_over_custom_allocators()
    {
        var allocator = new IoasidAllocator();
        allocator.TryAllocate(IoasidRange.Pasids, null, null, out Ioasid id);
        allocator.Free(id);
        var custom = new CustomIoasidAllocator("guest", SpyFunctions.Downwards());
        allocator.Register(custom);
        allocator.TryAllocate(IoasidRange.Pasids, null, null, out _);
        allocator.GetStatistics().Should().BeEquivalentTo(new { Allocations = 2L, Frees = 1L, LiveCount = 1L });

        allocator.Unregister(custom);

        allocator.GetStatistics().Should().BeEquivalentTo(new { Allocations = 2L, Frees = 2L, LiveCount = 0L });
    }

    /// <summary>A host with two bindings, one of them of two devices, after one private bind that is over.</summary>
    private SvmBinder Busy(string? hostName)
    {
        var binder = new SvmBinder(new IoasidAllocator(), new PasidOptions { PasidLimit = 10, HostName = hostName }, loggerFactory: null, Factory);
        AddressSpace first = binder.CreateAddressSpace("first");
        binder.Bind(_device, first);
        binder.Bind(_device, first).Dispose();
        binder.Bind(_device, binder.CreateAddressSpace("second"));
        binder.Bind(_device, binder.CreateAddressSpace("third"), SvmBindFlags.Private).Dispose();
        return binder;
    }

    private Dictionary<object, long> Failures(string name)
    {
        using var collector = new MetricCollector<long>(Factory, "Pasid", name);
        collector.RecordObservableInstruments();
        return collector.GetMeasurementSnapshot().ToDictionary(m => m.Tags["error.type"]!, m => m.Value);
    }

    private sealed class Portal : IEnqcmdPortal, IPageResponder
    {
        public string Name => "portal";

        public bool IsFull { get; set; }

        public bool Submit(in EnqcmdCommand command) => !IsFull;

        public void Respond(in PageResponse response)
        {
        }
    }
}

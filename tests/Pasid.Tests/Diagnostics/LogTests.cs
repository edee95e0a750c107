using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Pasid.Tests.Support;

namespace Pasid.Tests.Diagnostics;

/// <summary>Each situation has its message, id and level; nothing is written inside a gate.</summary>
public sealed class LogTests : IDisposable
{
    private readonly FakeLogCollector _collector = new();
    private readonly LoggerFactory _factory = new();
    private readonly FakeIommu _iommu = new("iommu");
    private readonly SvmDevice _device;

    public LogTests()
    {
        _factory.AddProvider(new FakeLoggerProvider(_collector));
        _device = new SvmDevice("device", _iommu);
    }

    public void Dispose() => _factory.Dispose();

    [Fact]
    public void Allocator_logs_what_happens_and_what_fails()
    {
        var allocator = new IoasidAllocator(_factory);
        var one = new IoasidRange(5, 5);
        allocator.TryAllocate(one, null, null, out Ioasid id);
        allocator.TryAllocate(one, null, null, out _);
        allocator.AddReference(id);
        allocator.Free(id);
        allocator.DropReference(id);
        allocator.SetData(new Ioasid(6), null);
        allocator.DropReference(id);
        allocator.DropReference(id);
        allocator.Free(id);
        allocator.SetData(id, null);
        allocator.AddReference(id);

        Written().Should().Equal(
            "1000 Debug Allocated id 5 from 5..5.",
            "1002 Warning No id of 5..5 is free.",
            "1004 Warning Free of id 5, which has references that were not dropped.",
            "1003 Warning SetData of id 6, which is not allocated.",
            "1001 Debug Freed id 5.",
            "1003 Warning DropReference of id 5, which is not allocated.",
            "1003 Warning Free of id 5, which is not allocated.",
            "1003 Warning SetData of id 5, which is not allocated.",
            "1003 Warning AddReference of id 5, which is not allocated.");
        _collector.GetSnapshot().Should().OnlyContain(record => record.Category == "Pasid.IoasidAllocator");
    }

    [Fact]
    public void Allocator_logs_the_life_of_custom_allocators()
    {
        var allocator = new IoasidAllocator(_factory);
        var custom = new CustomIoasidAllocator("guest", SpyFunctions.Downwards());
        allocator.Register(custom);
        allocator.Register(custom);
        allocator.TryAllocate(IoasidRange.Pasids, null, null, out _);
        allocator.Unregister(custom);
        allocator.Unregister(custom);

        Written().Where(line => line.StartsWith("11", StringComparison.Ordinal)).Should().Equal(
            "1100 Information The custom allocator guest was registered.",
            "1101 Warning The custom allocator guest was not registered: AlreadyExists.",
            "1102 Information The custom allocator guest was unregistered.",
            "1104 Warning The custom allocator guest, the last of its group, left 1 live ids behind, which are no longer known.",
            "1103 Warning The custom allocator guest, which is not registered, was to be unregistered.");
    }

    [Fact]
    public void Binder_logs_the_life_of_a_bind()
    {
        using SvmBinder binder = Binder();
        AddressSpace process = binder.CreateAddressSpace("process");
        binder.EnablePasid(_device);
        using (binder.Bind(_device, process))
        {
            binder.UnbindMm(_device, new Ioasid(9));
        }

        AddressSpace child = process.Fork("child");
        process.Exit();
        child.Exec("program").Exit();
        binder.BindMm(_device, process, out _);
        binder.Dispose();

        Written().Should().Equal(
            "2005 Debug Enabled PASIDs on device device.",
            "2000 Debug Bound device device to process with PASID 1 (None).",
            "2004 Warning Device device was not unbound from PASID 9: NotFound.",
            "2003 Debug Unbound device device from PASID 1.",
            "2103 Debug Address space process forked child, which has PASID 4294967295.",
            "2100 Debug Address space process exited.",
            "2101 Debug Address space process is destroyed.",
            "2100 Debug Address space child exited.",
            "2101 Debug Address space child is destroyed.",
            "2100 Debug Address space program exited.",
            "2101 Debug Address space program is destroyed.",
            "2001 Warning Device device was not bound to process (None): InvalidArgument. The address space 'process' has exited: bind one that still has a user.",
            "2104 Information The binder was disposed; it held 0 bindings and 0 address spaces.");
        _collector.GetSnapshot().Should().OnlyContain(record => record.Category == "Pasid.SvmBinder");
    }

    [Fact]
    public void Binder_logs_a_device_that_cannot_have_pasids()
    {
        using SvmBinder binder = Binder();
        _iommu.EnableStatus = PasidStatus.NotSupported;

        binder.EnablePasid(_device);

        Written().Should().Equal("2006 Warning PASIDs were not enabled on device device: NotSupported.");
    }

    [Fact]
    public void Binder_logs_what_quirks_do()
    {
        using SvmBinder binder = Binder(new PasidOptions { Profile = KernelProfile.Seed, PasidLimit = 2 });
        binder.BindMm(_device, binder.CreateAddressSpace("first"), SvmBindFlags.Private, null, out Ioasid pasid);
        binder.BindMm(_device, binder.CreateAddressSpace("second"), out _).Should().Be(PasidStatus.Success);
        binder.UnbindMm(_device, pasid);

        Written().Should().Equal(
            "2000 Debug Bound device device to first with PASID 1 (Private).",
            "2002 Warning A quirk of the profile seed reports success for device device although nothing was bound: NoSpace.",
            "2003 Debug Unbound device device from PASID 1.",
            "2102 Warning A quirk of the profile seed keeps PASID 1 from ever being freed.");
    }

    [Fact]
    public void A_callback_that_throws_is_an_error_with_its_exception_and_is_passed_on()
    {
        using SvmBinder binder = Binder();
        var thrown = new InvalidTimeZoneException("broken");
        _iommu.Inside = member => _ = member == nameof(IIommu.SetUpPasidEntry) ? throw thrown : member;

        binder.Invoking(b => b.BindMm(_device, b.CreateAddressSpace("process"), out _)).Should().Throw<InvalidTimeZoneException>();

        FakeLogRecord record = _collector.GetSnapshot().Should().ContainSingle().Subject;
        record.Id.Should().Be(new EventId(3000, "CallbackThrew"));
        record.Level.Should().Be(LogLevel.Error);
        record.Exception.Should().BeSameAs(thrown);
    }

    [Fact]
    public void A_level_that_is_off_formats_nothing()
    {
        using ILoggerFactory factory = LoggerFactory.Create(logging => logging.AddProvider(new FakeLoggerProvider(_collector)).SetMinimumLevel(LogLevel.Error));
        using var binder = new SvmBinder(new IoasidAllocator(factory), options: null, factory);
        AddressSpace process = binder.CreateAddressSpace("process");
        var device = new SvmDevice("device", new Iommu("iommu"));
        void Operate()
        {
            binder.BindMm(device, process, SvmBindFlags.None, null, out Ioasid pasid);
            binder.UnbindMm(device, pasid);
            binder.UnbindMm(device, pasid);
        }

        Operate();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            Operate();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
        _collector.Count.Should().Be(0);
    }

    [Fact]
    public void Commands_and_page_requests_are_logged_once_the_gates_are_left()
    {
        using SvmBinder binder = Binder();
        using var queue = new PageRequestQueue(binder, _device.Iommu!, new Silent(), new PageRequestQueueOptions { Capacity = 2 }, _factory);
        AddressSpace process = binder.CreateAddressSpace("process");
        SvmThread thread = process.CreateThread("thread");
        PageRequest request = new() { Device = _device, Address = 0xABC000, Rights = PageRequestRights.Read, IsLastInGroup = true };
        queue.TryEnqueue(request with { Pasid = new Ioasid(9) });
        queue.TryEnqueue(request);
        queue.TryEnqueue(request);
        queue.Process();
        using SvmBinding binding = binder.Bind(_device, process);
        thread.Enqcmd(0, new byte[64]);
        process.Portals.Map(4096, new Full());
        thread.Enqcmd(4096, new byte[64]);
        queue.TryEnqueue(request with { Pasid = binding.Pasid });
        _collector.GetSnapshot().Should().OnlyContain(record => record.Category == "Pasid.PageRequestQueue" || record.Category == "Pasid.SvmBinder");
        binding.Dispose();

        Written().Should().Equal(
            "5103 Warning Device device asked for a page with PASID 9, for which it has no entry.",
            "5102 Warning A page request of device device found the queue full.",
            "5101 Warning Device device asked for a page with PASID (null), which is bound to nothing.",
            "5100 Debug Answered a page request of device device with PASID (null) at ABC000: InvalidRequest.",
            "2000 Debug Bound device device to process with PASID 1 (None).",
            "5000 Debug Loaded PASID 1 into the register of thread thread.",
            "5001 Debug An ENQCMD or ENQCMDS of thread thread faulted: PageFault.",
            "5100 Debug Answered a page request of device device with PASID 1 at ABC000: InvalidRequest.",
            "2003 Debug Unbound device device from PASID 1.");
    }

    [Fact]
    public void An_exit_that_a_drain_brings_about_is_logged()
    {
        using SvmBinder binder = Binder();
        using var queue = new PageRequestQueue(binder, _device.Iommu!, new Silent());
        AddressSpace process = binder.CreateAddressSpace("process");
        process.FaultHandler = new LastUserLeaves(process);
        using SvmBinding binding = binder.Bind(_device, process);
        process.TryAddUser().Should().BeTrue();
        process.Exit();
        queue.TryEnqueue(new PageRequest { Device = _device, Pasid = binding.Pasid, Rights = PageRequestRights.Read, IsLastInGroup = true });

        binding.Dispose();

        process.HasExited.Should().BeTrue();
        Written().Should().Equal(
            "2000 Debug Bound device device to process with PASID 1 (None).",
            "2100 Debug Address space process exited.",
            "2003 Debug Unbound device device from PASID 1.",
            "2101 Debug Address space process is destroyed.");
    }

    [Fact]
    public void A_logger_that_calls_back_while_requests_are_answered_is_served()
    {
        var logger = new CallingLogger();
        using ILoggerFactory factory = LoggerFactory.Create(logging => logging.AddProvider(logger).SetMinimumLevel(LogLevel.Trace));
        using var binder = new SvmBinder(new IoasidAllocator(), options: null, factory);
        using var queue = new PageRequestQueue(binder, _device.Iommu!, new Silent(), loggerFactory: factory);
        using SvmBinding binding = binder.Bind(_device, binder.CreateAddressSpace("process"));
        logger.Call = () =>
        {
            binder.GetBindings();
            queue.Process();
        };

        queue.TryEnqueue(new PageRequest { Device = _device, Pasid = binding.Pasid, Rights = PageRequestRights.Read, IsLastInGroup = true });
        queue.Process();
        queue.TryEnqueue(new PageRequest { Device = _device, Pasid = binding.Pasid, Rights = PageRequestRights.Read, IsLastInGroup = true });
        binding.Dispose();

        logger.Call = () => { };
        logger.Calls.Should().Be(4, "a bind, two answers and an unbind");
    }

    [Fact]
    public void A_logger_that_calls_back_is_served_because_no_gate_is_held()
    {
        var logger = new CallingLogger();
        using ILoggerFactory factory = LoggerFactory.Create(logging => logging.AddProvider(logger).SetMinimumLevel(LogLevel.Trace));
        var allocator = new IoasidAllocator(factory);
        using var binder = new SvmBinder(allocator, options: null, factory);
        logger.Call = () =>
        {
            binder.GetBindings();
            allocator.TryFindLive(new Ioasid(0), out _);
        };

        AddressSpace process = binder.CreateAddressSpace("process");
        using SvmBinding binding = binder.Bind(_device, process);
        process.Exit();

        allocator.Free(allocator.Allocate(IoasidRange.Pasids));

        logger.Calls.Should().Be(4);
    }

    private SvmBinder Binder(PasidOptions? options = null) => new(new IoasidAllocator(), options, _factory);

    private IEnumerable<string> Written() =>
        _collector.GetSnapshot().Select(record => $"{record.Id.Id} {record.Level} {record.Message}");

    private sealed class Full : IEnqcmdPortal
    {
        public string Name => "full";

        public bool Submit(in EnqcmdCommand command) => false;
    }

    private sealed class Silent : IPageResponder
    {
        public void Respond(in PageResponse response)
        {
        }
    }

    private sealed class LastUserLeaves(AddressSpace process) : IAddressSpaceFaultHandler
    {
        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
        {
            process.DropUser();
            return FaultOutcome.Handled;
        }
    }

    private sealed class CallingLogger : ILoggerProvider, ILogger
    {
        public Action Call { get; set; } = () => { };

        public int Calls { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Calls++;
            Call();
        }

        public void Dispose()
        {
        }
    }
}

using System.Globalization;
using Microsoft.Extensions.Logging;
using Pasid.Tests.Support;

namespace Pasid.Tests.Diagnostics;

/// <summary>A logger is told of what has happened: whatever it throws, the call it is told of is answered as without it.</summary>
public sealed class ThrowingLoggerTests
{
    private readonly SvmDevice _device = new("device", new FakeIommu("iommu"));

    public static TheoryData<LogLevel, bool> Places()
    {
        var places = new TheoryData<LogLevel, bool>();
        foreach (LogLevel level in Enum.GetValues<LogLevel>())
        {
            places.Add(level, false);
            places.Add(level, true);
        }

        return places;
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Every_call_is_answered_as_without_a_log_whatever_a_logger_throws(LogLevel level, bool isAsked)
    {
        string[] unlogged = Live(loggerFactory: null);
        using var factory = new Loggers((l, asked) => _ = l >= level && asked == isAsked ? throw new TimeoutException() : 0);

        string[] logged = Live(factory);

        logged.Should().Equal(unlogged);
        (factory.Thrown > 0).Should().Be(level <= LogLevel.Error);
    }

    [Fact]
    public void Dispose_of_a_handle_again_leaves_the_bind_of_another_handle()
    {
        using var factory = new Loggers((_, _) => throw new TimeoutException());
        using var binder = new SvmBinder(new IoasidAllocator(factory), options: null, factory);
        AddressSpace process = binder.CreateAddressSpace("process");
        SvmBinding first = binder.Bind(_device, process);
        SvmBinding second = binder.Bind(_device, process);

        first.Dispose();
        first.Dispose();

        binder.IsPasidValid(_device, second.Pasid, out bool isValid).Should().Be(PasidStatus.Success);
        isValid.Should().BeTrue();
        binder.GetStatistics().Unbinds.Should().Be(1);
    }

    [Fact]
    public void A_logger_that_calls_back_and_then_throws_is_answered_and_not_heard()
    {
        SvmBinder? binder = null;
        int answers = 0;
        bool isInside = false;
        using var factory = new Loggers((level, asked) =>
        {
            if (asked || isInside)
            {
                return;
            }

            isInside = true;
            answers += binder!.Lookup(new Ioasid(1), out _) == PasidStatus.Success && binder.EnablePasid(_device) == PasidStatus.Success ? 1 : 0;
            isInside = false;
            throw new TimeoutException();
        });
        binder = new SvmBinder(new IoasidAllocator(), options: null, factory);

        using SvmBinding binding = binder.Bind(_device, binder.CreateAddressSpace("process"));

        binding.Pasid.Should().Be(new Ioasid(1));
        answers.Should().Be(1);
    }

    [Fact]
    public void A_factory_that_answers_no_logger_is_as_good_as_none()
    {
        using var factory = new Loggers(throws: null);

        Live(factory).Should().Equal(Live(loggerFactory: null));
    }

    /// <summary>Does all that is logged, and tells what was answered.</summary>
    private string[] Live(ILoggerFactory? loggerFactory)
    {
        List<string> answers = [];
        void Tell(object? answer) => answers.Add(Convert.ToString(answer, CultureInfo.InvariantCulture)!);
        IoasidAllocator allocator = loggerFactory is null ? new IoasidAllocator() : new IoasidAllocator(loggerFactory);
        var custom = new CustomIoasidAllocator("guest", SpyFunctions.Downwards());
        Tell(allocator.Register(custom));
        Tell(allocator.Register(custom));
        Tell(allocator.TryAllocate(IoasidRange.Pasids, null, null, out _));
        Tell(allocator.Unregister(custom));
        Tell(allocator.Unregister(custom));
        Ioasid id = allocator.Allocate(new IoasidRange(500, 500));
        Tell(allocator.TryAllocate(new IoasidRange(500, 500), null, null, out _));
        Tell(allocator.AddReference(id));
        Tell(allocator.Free(id));
        Tell(allocator.DropReference(id));
        Tell(allocator.Free(id));
        Tell(allocator.Free(id));

        var responder = new CountingResponder();
        var binder = new SvmBinder(allocator, new PasidOptions { Profile = KernelProfile.Default, PasidLimit = 3 }, loggerFactory);
        using (var queue = new PageRequestQueue(binder, _device.Iommu!, responder, new PageRequestQueueOptions { Capacity = 2 }, loggerFactory))
        {
            AddressSpace process = binder.CreateAddressSpace("process");
            Tell(binder.EnablePasid(_device));
            SvmBinding first = binder.Bind(_device, process);
            Tell(first.Pasid);
            Tell(binder.BindMm(_device, binder.CreateAddressSpace("second"), out Ioasid second));
            Tell(binder.BindMm(_device, binder.CreateAddressSpace("third"), out _));
            Tell(FluentActions.Invoking(() => binder.Bind(_device, binder.CreateAddressSpace("fourth"))).Should().Throw<PasidException>().Which.Status);
            SvmThread thread = process.CreateThread("thread");
            Tell(thread.Enqcmd(0, new byte[64]));
            for (int i = 0; i < 2; i++)
            {
                Tell(queue.TryEnqueue(new PageRequest { Device = _device, Pasid = i == 0 ? first.Pasid : null, IsLastInGroup = true }));
            }

            Tell(queue.Process());
            Tell(queue.TryEnqueue(new PageRequest { Device = _device, IsLastInGroup = true }));
            Tell(queue.Process());
            Tell(responder.Count);
            PasidSnapshot snapshot = binder.CaptureSnapshot();
            var map = new PasidSnapshotMap { FindDevice = _ => _device, FindAddressSpace = name => name == "process" ? process : null };
            Tell(binder.Restore(snapshot, map).Count);
            Tell(FluentActions.Invoking(() => binder.Restore(snapshot.With(file => file with { LiveCount = 9 }), map)).Should().Throw<FormatException>().Which.Message);
            first.Dispose();
            Tell(binder.UnbindMm(_device, first.Pasid));
            Tell(binder.UnbindMm(_device, first.Pasid));
            Tell(binder.UnbindMm(_device, second));
            AddressSpace child = process.Fork("child");
            process.Exit();
            child.Exit();
            ((FakeIommu)_device.Iommu!).Inside = member => _ = member == nameof(IIommu.SetUpPasidEntry) ? throw new InvalidTimeZoneException() : member;
            FluentActions.Invoking(() => binder.BindMm(_device, binder.CreateAddressSpace("fifth"), out _)).Should().Throw<InvalidTimeZoneException>();
            ((FakeIommu)_device.Iommu!).Inside = null;
        }

        binder.Dispose();
        Tell(binder.GetStatistics().Binds);
        Tell(allocator.LiveCount);
        return [.. answers];
    }

    private sealed class CountingResponder : IPageResponder
    {
        public int Count { get; private set; }

        public void Respond(in PageResponse response) => Count++;
    }

    /// <summary>Makes loggers that do something when they are asked whether a level is on, and when they are told.</summary>
    private sealed class Loggers(Action<LogLevel, bool>? throws) : ILoggerFactory, ILogger
    {
        public int Thrown { get; private set; }

        public ILogger CreateLogger(string categoryName) => throws is null ? null! : this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel)
        {
            Do(logLevel, isAsked: true);
            return true;
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Do(logLevel, isAsked: false);

        private void Do(LogLevel level, bool isAsked)
        {
            try
            {
                throws!(level, isAsked);
            }
            catch (TimeoutException)
            {
                Thrown++;
                throw;
            }
        }
    }
}

namespace Pasid.SystematicTests;

/// <summary>What an unbind and a handler do on one thread, as questions that name what is wrong.</summary>
public sealed class DrainTests
{
    [Fact]
    public void An_unbind_whose_handler_throws_goes_to_its_end() => UnbindWhoseHandlerThrows().Should().BeNull();

    [Fact]
    public void A_handler_that_calls_its_binder_is_refused() => HandlerThatBinds().Should().BeNull();

    internal static string? UnbindWhoseHandlerThrows()
    {
        using var machine = new Machine(static _ => throw new TimeoutException());
        machine.Ask();
        try
        {
            machine.Binder.UnbindMm(machine.Device, new Ioasid(1));
            return "what the handler throws is not passed on";
        }
        catch (TimeoutException)
        {
            return machine.Binder.GetBindings().Count == 0 && machine.IsTornDown ? null : "the device is torn down and still bound";
        }
    }

    internal static string? HandlerThatBinds()
    {
        using var machine = new Machine(static machine => machine.Binder.BindMm(machine.Device, machine.Binder.CreateAddressSpace("other"), out _));
        machine.Ask();
        try
        {
            machine.Queue.Process();
            return "the handler was not refused";
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A bound process, whose handler does something.</summary>
    private sealed class Machine : IIommu, IPageResponder, IAddressSpaceFaultHandler, IDisposable
    {
        private readonly Action<Machine> _handle;

        public Machine(Action<Machine> handle)
        {
            _handle = handle;
            Queue = new PageRequestQueue(Binder, this, this);
            Device = new SvmDevice("device", this);
            AddressSpace space = Binder.CreateAddressSpace("space");
            space.FaultHandler = this;
            Binder.BindMm(Device, space, out _);
        }

        public SvmBinder Binder { get; } = new();

        public PageRequestQueue Queue { get; }

        public SvmDevice Device { get; }

        public bool IsTornDown { get; private set; }

        public string Name => "iommu";

        public bool IsSvmCapable => true;

        public bool SupportsSupervisor => true;

        public void Ask() => Queue.TryEnqueue(new PageRequest { Device = Device, Pasid = new Ioasid(1), Rights = PageRequestRights.Read, IsLastInGroup = true });

        public PasidStatus EnablePasid(SvmDevice device) => PasidStatus.Success;

        public PasidStatus SetUpPasidEntry(SvmDevice device, Ioasid pasid, AddressSpace? addressSpace) => PasidStatus.Success;

        public void TearDownPasidEntry(SvmDevice device, Ioasid pasid) => IsTornDown = true;

        public void Flush(SvmDevice device, Ioasid pasid)
        {
        }

        public void Respond(in PageResponse response)
        {
        }

        public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
        {
            _handle(this);
            return FaultOutcome.Handled;
        }

        public void Dispose()
        {
            Queue.Dispose();
            Binder.Dispose();
        }
    }
}

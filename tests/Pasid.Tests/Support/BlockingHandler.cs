namespace Pasid.Tests.Support;

/// <summary>A fault handler that says when it is inside, and stays there until it may go on.</summary>
internal sealed class BlockingHandler : IAddressSpaceFaultHandler, IDisposable
{
    public ManualResetEventSlim IsInside { get; } = new();

    public ManualResetEventSlim GoOn { get; } = new();

    public FaultOutcome Handle(AddressSpace addressSpace, ulong address, PageRequestRights rights)
    {
        IsInside.Set();
        GoOn.Wait();
        return FaultOutcome.Handled;
    }

    public void Dispose()
    {
        IsInside.Dispose();
        GoOn.Dispose();
    }
}

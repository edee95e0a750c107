namespace Pasid.Tests.Support;

/// <summary>A host in which a request is being answered: device A is bound to process P with PASID 1, and a thread is inside its handler
/// until it may go on.</summary>
internal sealed class AnsweringHost : IDisposable
{
    private readonly Thread _answer;

    /// <summary>Makes the host; returns when the handler is entered.</summary>
    /// <param name="answer">What the thread does; by default it processes the queue.</param>
    public AnsweringHost(Action<AnsweringHost>? answer = null)
    {
        Requests = new HostRequests(Host);
        Process = Host.Process("P");
        Process.FaultHandler = Handler;
        Host.Bind(Host.DeviceA, Process, 1);
        Before = Host.Binder.CaptureSnapshot();
        Ask();
        _answer = new Thread(() => (answer ?? (static host => host.Requests.Queue.Process()))(this));
        _answer.Start();
        Handler.IsInside.Wait();
    }

    public Host Host { get; } = new();

    public HostRequests Requests { get; }

    public BlockingHandler Handler { get; } = new();

    public AddressSpace Process { get; }

    /// <summary>Gets the snapshot of the host before the request.</summary>
    public PasidSnapshot Before { get; }

    /// <summary>Asks for one more page.</summary>
    public void Ask() => Requests.Queue.TryEnqueue(new PageRequest { Device = Host.DeviceA, Pasid = new Ioasid(1), IsLastInGroup = true });

    /// <summary>Lets the handler return, and waits until the thread and another one are over.</summary>
    public void Finish(Thread? other = null)
    {
        Handler.GoOn.Set();
        _answer.Join();
        other?.Join();
    }

    public void Dispose()
    {
        Finish();
        Requests.Dispose();
        Host.Dispose();
        Handler.Dispose();
    }
}

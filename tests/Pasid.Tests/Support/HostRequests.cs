namespace Pasid.Tests.Support;

/// <summary>A page request queue over a host, whose answers are kept. By default the thread alone is seen.</summary>
internal sealed class HostRequests : IPageResponder, IPageRequestObserver, IDisposable
{
    public HostRequests(Host host, int capacity = PageRequestQueueOptions.DefaultCapacity, IIommu? iommu = null, bool hardwareAnswers = false) =>
        Queue = new PageRequestQueue(host.Binder, iommu ?? host.Iommu0, this, new PageRequestQueueOptions { Capacity = capacity, HardwareAnswers = hardwareAnswers, Observer = this });

    public PageRequestQueue Queue { get; }

    public List<PageResponse> Responses { get; } = [];

    /// <summary>Gets the steps of the answering, as lines of a trace.</summary>
    public List<string> Trace { get; } = [];

    /// <summary>Gets or sets what to do inside each response.</summary>
    public Action<PageResponse>? Inside { get; set; }

    /// <summary>Asks for one page and has it answered.</summary>
    public PageResponseCode Ask(SvmDevice device, uint? pasid, ulong address, PageRequestRights rights = PageRequestRights.Read)
    {
        Queue.TryEnqueue(new PageRequest { Device = device, Pasid = pasid is { } number ? new Ioasid(number) : null, Address = address, Rights = rights, IsLastInGroup = true }).Should().BeTrue();
        Queue.Process().Should().Be(1);
        return Responses[^1].Code;
    }

    public void Respond(in PageResponse response)
    {
        Responses.Add(response);
        Inside?.Invoke(response);
    }

    public void OnEvent(in PageRequestEvent pageRequestEvent)
    {
        lock (Trace)
        {
            Trace.Add(pageRequestEvent.ToString());
        }
    }

    public void Dispose() => Queue.Dispose();
}

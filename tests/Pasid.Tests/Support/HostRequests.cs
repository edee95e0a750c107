namespace Pasid.Tests.Support;

/// <summary>A page request queue over a host, whose answers are kept.</summary>
internal sealed class HostRequests : IPageResponder, IDisposable
{
    public HostRequests(Host host, int capacity = PageRequestQueue.DefaultCapacity) => Queue = new PageRequestQueue(host.Binder, this, capacity);

    public PageRequestQueue Queue { get; }

    public List<PageResponse> Responses { get; } = [];

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

    public void Dispose() => Queue.Dispose();
}

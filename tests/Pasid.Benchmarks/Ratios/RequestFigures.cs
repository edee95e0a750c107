namespace Pasid.Benchmarks.Ratios;

/// <summary>Page requests from the device to the response, and the look-ups on their way.</summary>
internal static class RequestFigures
{
    private const int Many = 100_000;
    private const int Batch = 100;
    private const ulong PageLength = 4096;
    private static readonly Iommu s_iommu = new("iommu");
    private static readonly SvmDevice s_device = new("device", s_iommu);

    public static IEnumerable<Figure> All =>
    [
        new("request_vs_ring", 9, IsUpper: true, () => Sampler.Ratio(Requests(new Host(), Batch), Ring(Batch))),
        new("request_growth_waiting", 1.6, IsUpper: true, () => Sampler.Ratio(Requests(new Host(capacity: 1 << 17), Many), Requests(new Host(), Batch))),
        new("request_growth_regions", 4, IsUpper: true, () => Sampler.Ratio(Requests(new Host(regions: Many), Batch), Requests(new Host(), Batch))),
        new("request_growth_devices", 1.6, IsUpper: true, () => Sampler.Ratio(Requests(new Host(devices: Many), Batch), Requests(new Host(), Batch))),
        new("drain_vs_process", 1.4, IsUpper: true, () => Sampler.Ratio(Drains(), Requests(new Host(capacity: 1 << 17), Many))),
        new("region_vs_binary_search", 2, IsUpper: true, RegionToBinarySearch),
        new("portal_vs_binary_search", 1, IsUpper: true, PortalToBinarySearch),
        new("bytes_per_request", 0, IsUpper: true, BytesPerRequest),
    ];

    /// <summary>Requests of one device in batches: what waits is answered by one run of the thread.</summary>
    private static Action<int> Requests(Host host, int batch) => count =>
    {
        for (int left = count; left > 0; left -= batch)
        {
            host.Ask(Math.Min(left, batch));
            host.Queue.Process();
        }
    };

    /// <summary>An unbind that has everything answered, and the bind before it.</summary>
    private static Action<int> Drains()
    {
        var host = new Host(capacity: 1 << 17);
        return count =>
        {
            for (int left = count; left > 0; left -= Many)
            {
                host.Ask(Math.Min(left, Many));
                host.Binder.UnbindMm(s_device, host.Pasid);
                host.Binder.BindMm(s_device, host.Process, out _);
            }
        };
    }

    /// <summary>The ideal: a ring of the same requests with one writer and one reader, who calls the responder.</summary>
    private static Action<int> Ring(int batch)
    {
        var ring = new PageRequest[128];
        IPageResponder responder = new Responder();
        PageRequest request = Request(new Ioasid(1), 0);
        int head = 0;
        int tail = 0;
        return count =>
        {
            for (int i = 0; i < count; i += batch)
            {
                for (int k = 0; k < batch; k++)
                {
                    ring[tail & 127] = request;
                    Volatile.Write(ref tail, tail + 1);
                }

                for (; head != Volatile.Read(ref tail); head++)
                {
                    ref PageRequest next = ref ring[head & 127];
                    responder.Respond(new PageResponse(next.Device, next.Pasid, next.GroupIndex, PageResponseCode.Success, next.PrivateData));
                }
            }
        };
    }

    private static double RegionToBinarySearch()
    {
        using var binder = new SvmBinder();
        AddressSpace process = binder.CreateAddressSpace("process");
        AddressRegionMap map = Regions(Many);
        return Sampler.Ratio(
            count =>
            {
                for (int i = 0, at = 0; i < count; i++)
                {
                    at = (at + 7_919) % Many;
                    map.Handle(process, Address(at), PageRequestRights.Read);
                }
            },
            Searches());
    }

    private static double PortalToBinarySearch()
    {
        using var binder = new SvmBinder();
        AddressSpace process = binder.CreateAddressSpace("process");
        var portal = new Portal();
        for (int i = 0; i < Many; i++)
        {
            process.Portals.Map(Address(i), portal);
        }

        return Sampler.Ratio(
            count =>
            {
                for (int i = 0, at = 0; i < count; i++)
                {
                    at = (at + 7_919) % Many;
                    process.Portals.TryFind(Address(at), out _);
                }
            },
            Searches());
    }

    /// <summary>Binary searches among as many addresses.</summary>
    private static Action<int> Searches()
    {
        ulong[] addresses = [.. Enumerable.Range(0, Many).Select(Address)];
        return count =>
        {
            for (int i = 0, at = 0; i < count; i++)
            {
                at = (at + 7_919) % Many;
                Array.BinarySearch(addresses, Address(at));
            }
        };
    }

    private static double BytesPerRequest()
    {
        var host = new Host();
        Action<int> requests = Requests(host, 1);
        requests(100_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        requests(100_000);
        return (GC.GetAllocatedBytesForCurrentThread() - before) / 100_000.0;
    }

    private static ulong Address(int index) => (ulong)(index + 1) * 2 * PageLength;

    private static AddressRegionMap Regions(int count)
    {
        var map = new AddressRegionMap();
        for (int i = 0; i < count; i++)
        {
            map.Add(new AddressRegion(Address(i), PageLength, PageRequestRights.Read));
        }

        return map;
    }

    private static PageRequest Request(Ioasid pasid, int index) =>
        new() { Device = s_device, Pasid = pasid, Address = Address(index), Rights = PageRequestRights.Read, IsLastInGroup = true };

    /// <summary>A process that a device is bound to, and perhaps many others.</summary>
    private sealed class Host
    {
        private readonly int _regions;
        private int _at;

        public Host(int capacity = 128, int regions = 1, int devices = 1)
        {
            _regions = regions;
            Queue = new PageRequestQueue(Binder, s_iommu, new Responder(), new PageRequestQueueOptions { Capacity = capacity });
            Process = Binder.CreateAddressSpace("process");
            Process.FaultHandler = Regions(regions);
            Binder.BindMm(s_device, Process, out Ioasid pasid);
            Pasid = pasid;
            for (int i = 1; i < devices; i++)
            {
                Binder.BindMm(new SvmDevice("other", s_iommu), Process, out _);
            }
        }

        public SvmBinder Binder { get; } = new();

        public PageRequestQueue Queue { get; }

        public AddressSpace Process { get; }

        public Ioasid Pasid { get; }

        public void Ask(int count)
        {
            for (int i = 0; i < count; i++)
            {
                _at = (_at + 7_919) % _regions;
                Queue.TryEnqueue(Request(Pasid, _at));
            }
        }
    }

    private sealed class Responder : IPageResponder
    {
        public long Count { get; private set; }

        public void Respond(in PageResponse response) => Count++;
    }

    private sealed class Portal : IEnqcmdPortal
    {
        public string Name => "portal";

        public bool Submit(in EnqcmdCommand command) => true;
    }
}

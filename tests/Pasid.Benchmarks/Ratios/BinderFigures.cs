using Pasid.Benchmarks.Alternatives;

namespace Pasid.Benchmarks.Ratios;

/// <summary>Binds, unbinds and the way from a PASID to its address space, behind an IOMMU that does nothing.</summary>
internal static class BinderFigures
{
    private const int Hot = 64;
    private static readonly SvmDevice s_device = new("device", new Iommu("iommu"));

    public static IEnumerable<Figure> All =>
    [
        new("bind_100k_hot", 8, IsUpper: true, () => Sampler.Ratio(Binds(100_000), RecordUnits())),
        new("bind_growth", 1.6, IsUpper: true, () => Sampler.Ratio(Binds(100_000), Binds(1))),
        new("bind_vs_listwalk_1k", 8, IsUpper: false, () => Sampler.Ratio(ListWalks(1_000), Binds(1_000))),
        new("bind_vs_listwalk_10k", 60, IsUpper: false, () => Sampler.Ratio(ListWalks(10_000), Binds(10_000))),
        new("rebind", 7, IsUpper: true, () => Sampler.Ratio(Rebinds(), PairFigures.TwoExchanges())),
        new("pasid_to_address_space", 2, IsUpper: true, AddressSpaceToLookup),
    ];

    /// <summary>Bind and unbind of a few address spaces in turn while others stay bound.</summary>
    private static Action<int> Binds(int others)
    {
        ISvmBinder binder = new SvmBinder();
        Bind(binder, others);
        AddressSpace[] hot = [.. Enumerable.Range(0, Hot).Select(i => binder.CreateAddressSpace($"hot {i}"))];
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                binder.BindMm(s_device, hot[i % Hot], SvmBindFlags.None, null, out Ioasid pasid);
                binder.UnbindMm(s_device, pasid);
            }
        };
    }

    private static Action<int> ListWalks(int others)
    {
        var binder = new ListWalkBinder(new IoasidAllocator());
        for (int i = 0; i < others; i++)
        {
            binder.Bind(s_device, new object());
        }

        object[] hot = [.. Enumerable.Range(0, Hot).Select(_ => new object())];
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                binder.Unbind(s_device, binder.Bind(s_device, hot[i % Hot]));
            }
        };
    }

    private static Action<int> Rebinds()
    {
        ISvmBinder binder = new SvmBinder();
        AddressSpace addressSpace = binder.CreateAddressSpace("process");
        binder.BindMm(s_device, addressSpace, SvmBindFlags.None, null, out Ioasid pasid);
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                binder.BindMm(s_device, addressSpace, SvmBindFlags.None, null, out _);
                binder.UnbindMm(s_device, pasid);
            }
        };
    }

    private static double AddressSpaceToLookup()
    {
        IIoasidAllocator allocator = new IoasidAllocator();
        ISvmBinder binder = new SvmBinder(allocator);
        const int Count = 1_000;
        Bind(binder, Count);
        uint[] ids = PairFigures.Live(Count);
        return Sampler.Ratio(
            count =>
            {
                for (int i = 0, at = 0; i < count; i++)
                {
                    at = at + 1 < ids.Length ? at + 1 : 0;
                    binder.Lookup(new Ioasid(ids[at]), out _);
                }
            },
            count =>
            {
                for (int i = 0, at = 0; i < count; i++)
                {
                    at = at + 1 < ids.Length ? at + 1 : 0;
                    allocator.Lookup(new Ioasid(ids[at]), null, null, out _);
                }
            });
    }

    private static void Bind(ISvmBinder binder, int count)
    {
        for (int i = 0; i < count; i++)
        {
            binder.BindMm(s_device, binder.CreateAddressSpace("other"), SvmBindFlags.None, null, out _);
        }
    }

    /// <summary>Two compare-exchanges and one new object of 24 bytes.</summary>
    private static Action<int> RecordUnits()
    {
        const int Warm = 10_000_000;
        int word = 0;
        object? sink = null;

        // New objects are made in memory that was used before; what the operating system takes for fresh memory, three
        // times the object itself, would flatter us.
        for (int i = 0; i < Warm; i++)
        {
            sink = new object();
        }

        GC.Collect();
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                Interlocked.CompareExchange(ref word, 1, 0);
                sink = new object();
                Interlocked.CompareExchange(ref word, 0, 1);
            }

            GC.KeepAlive(sink);
        };
    }
}

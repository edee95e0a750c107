using System.Diagnostics;
using System.Reflection;

namespace Pasid.Benchmarks.Ratios;

/// <summary>Bytes kept, bytes made, and what many allocators cost the garbage collector.</summary>
internal static class MemoryFigures
{
    private const int Count = IoasidRange.PasidLimit - 1;
    private const int Million = 1_000_000;
    private static readonly IoasidSet s_owner = new("owner");
    private static readonly object s_data = new();

    public static IEnumerable<Figure> All =>
    [
        new("bytes_per_live_id", 17, IsUpper: true, () => FillAndFree().Live),
        new("bytes_after_free_all", 2, IsUpper: true, () => FillAndFree().Freed),
        new("bytes_one_in_512", 8_300, IsUpper: true, () => BytesWithLone(512)),
        new("bytes_one_in_4096", 8_900, IsUpper: true, () => BytesWithLone(4_096)),
        new("bytes_one_in_262144", 13_300, IsUpper: true, () => BytesWithLone(1 << 18)),
        new("bytes_emptied", 65_536, IsUpper: true, BytesEmptied),
        new("bytes_empty", 128, IsUpper: true, () => BytesWith(0)),
        new("bytes_one_id", 256, IsUpper: true, () => BytesWith(1)),
        new("bytes_eight_ids", 448, IsUpper: true, () => BytesWith(8)),
        new("million_hosts_gc", 3, IsUpper: true, MillionHosts),
        new("largest_array", 84_999, IsUpper: true, LargestArray),
        new("bytes_per_operation", 0, IsUpper: true, BytesPerOperation),
    ];

    private static (double Live, double Freed) FillAndFree()
    {
        uint[] order = PairFigures.Live(Count);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var allocator = new IoasidAllocator();
        Fill(allocator, Count);
        long live = GC.GetTotalMemory(forceFullCollection: true) - before;
        foreach (uint id in order)
        {
            allocator.Free(new Ioasid(id));
        }

        long freed = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(allocator);
        GC.KeepAlive(order);
        return ((double)live / Count, (double)freed / Count);
    }

    private static void Fill(IoasidAllocator allocator, int count)
    {
        for (int i = 0; i < count; i++)
        {
            allocator.TryAllocate(IoasidRange.Pasids, s_owner, s_data, out _);
        }
    }

    /// <summary>Bytes per live id, one of each so many.</summary>
    private static double BytesWithLone(uint step)
    {
        const int Lone = 8_000;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        var allocator = new IoasidAllocator();
        for (long id = step - 1; id < (long)Lone * step; id += step)
        {
            allocator.TryAllocate(new IoasidRange((uint)id, (uint)id), s_owner, s_data, out _);
        }

        long live = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(allocator);
        return (double)live / Lone;
    }

    /// <summary>Bytes of one allocator that held ids everywhere and holds none, over several.</summary>
    private static double BytesEmptied()
    {
        const int Allocators = 8;
        const uint Step = (1 << 18) - 1;
        var allocators = new IoasidAllocator[Allocators];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < allocators.Length; i++)
        {
            allocators[i] = new IoasidAllocator();
            Fill(allocators[i], 100_000);
            for (long id = Step; id < uint.MaxValue; id += Step)
            {
                allocators[i].TryAllocate(new IoasidRange((uint)id, (uint)id), s_owner, s_data, out _);
            }

            foreach (Ioasid id in allocators[i].LiveIds())
            {
                allocators[i].Free(id);
            }
        }

        long kept = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(allocators);
        return (double)kept / Allocators;
    }

    /// <summary>Bytes of one allocator with so many live ids, over many of them.</summary>
    private static double BytesWith(int ids)
    {
        const int Allocators = 20_000;
        var allocators = new IoasidAllocator[Allocators];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < allocators.Length; i++)
        {
            allocators[i] = new IoasidAllocator();
            Fill(allocators[i], ids);
        }

        long after = GC.GetTotalMemory(forceFullCollection: true);
        GC.KeepAlive(allocators);
        return (double)(after - before) / Allocators;
    }

    private static double MillionHosts()
    {
        object[] allocators = new object[Million];
        object[] plain = new object[Million];
        for (int i = 0; i < Million; i++)
        {
            allocators[i] = new IoasidAllocator();
        }

        double withAllocators = Collection();
        GC.KeepAlive(allocators);
        Array.Clear(allocators);
        for (int i = 0; i < Million; i++)
        {
            plain[i] = new object();
        }

        double withPlain = Collection();
        GC.KeepAlive(plain);
        return withAllocators / withPlain;

        static double Collection()
        {
            GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: false);
            double[] seconds = new double[9];
            for (int i = 0; i < seconds.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: false);
                seconds[i] = Stopwatch.GetElapsedTime(start).TotalSeconds;
            }

            return Sampler.Median(seconds);
        }
    }

    /// <summary>Walks everything that a full allocator holds. Arrays only ever grow, so the largest at the end is the largest of all.</summary>
    private static double LargestArray()
    {
        var allocator = new IoasidAllocator();
        Fill(allocator, Count);
        long largest = 0;
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance) { s_data, s_owner };
        var open = new Stack<object>([allocator]);
        while (open.TryPop(out object? current))
        {
            if (!seen.Add(current))
            {
                continue;
            }

            if (current is Array array)
            {
                Type element = array.GetType().GetElementType()!;
                int size = element.IsPrimitive ? System.Runtime.InteropServices.Marshal.SizeOf(element) : element.IsValueType ? 16 : IntPtr.Size;
                largest = Math.Max(largest, 24 + ((long)size * array.Length));
                if (!element.IsValueType)
                {
                    foreach (object? item in array)
                    {
                        Push(item);
                    }
                }

                continue;
            }

            for (Type? type = current.GetType(); type is not null; type = type.BaseType)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                {
                    if (!field.FieldType.IsPrimitive)
                    {
                        Push(field.GetValue(current));
                    }
                }
            }
        }

        return largest;

        void Push(object? item)
        {
            if (item is not null and not string and not Type and not MemberInfo)
            {
                open.Push(item);
            }
        }
    }

    private static double BytesPerOperation()
    {
        const int Operations = 10_000;
        IIoasidAllocator allocator = new IoasidAllocator();
        using ISvmBinder binder = new SvmBinder(allocator);
        var device = new SvmDevice("device", new Iommu("iommu"));
        AddressSpace addressSpace = binder.CreateAddressSpace("process");
        binder.BindMm(device, addressSpace, SvmBindFlags.None, null, out Ioasid bound);
        allocator.TryAllocate(IoasidRange.Pasids, s_owner, s_data, out Ioasid other);
        allocator.Free(other);
        long before = 0;
        for (int round = 0; round < 3; round++)
        {
            before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Operations; i++)
            {
                allocator.TryAllocate(IoasidRange.Pasids, s_owner, s_data, out Ioasid id);
                allocator.Lookup(id, s_owner, null, out _);
                allocator.Free(id);
                allocator.Lookup(id, s_owner, null, out _);
                binder.BindMm(device, addressSpace, SvmBindFlags.None, null, out _);
                binder.UnbindMm(device, bound);
            }
        }

        return (double)(GC.GetAllocatedBytesForCurrentThread() - before) / Operations;
    }
}

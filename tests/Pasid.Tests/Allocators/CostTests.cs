using System.Runtime.CompilerServices;
using Pasid.Internal;
using Pasid.Tests.Support;

namespace Pasid.Tests.Allocators;

/// <summary>What operations cost in memory. None of it is timed; it runs while no other test does, because all share one heap.</summary>
[Collection(nameof(AloneCollection))]
public sealed class CostTests
{
    private readonly IoasidSet _owner = new("owner");
    private readonly object _data = new();

    [Fact]
    public void Allocation_lookup_free_bind_and_unbind_allocate_no_bytes()
    {
        var allocator = new IoasidAllocator();
        using var binder = new SvmBinder(allocator);
        var device = new SvmDevice("device", new Iommu("iommu"));
        AddressSpace process = binder.CreateAddressSpace("process");
        binder.BindMm(device, process, out Ioasid bound);

        void Operate()
        {
            allocator.TryAllocate(IoasidRange.Pasids, _owner, _data, out Ioasid id);
            allocator.Lookup(id, _owner, null, out _);
            allocator.SetData(id, null);
            allocator.AddReference(id);
            allocator.DropReference(id);
            allocator.Free(id);
            allocator.Lookup(id, _owner, null, out _);
            binder.BindMm(device, process, SvmBindFlags.None, null, out _);
            binder.Lookup(bound, out _);
            binder.UnbindMm(device, bound);
            binder.UnbindMm(device, bound);
            binder.BindMm(device, process, out _);
            foreach (Ioasid live in allocator.LiveIds())
            {
                _ = live;
            }
        }

        Operate();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
        {
            Operate();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Theory]
    [InlineData(0, 128)]
    [InlineData(1, 256)]
    [InlineData(8, 448)]
    public void A_small_allocator_stays_small(int ids, int bound) => KeptBy(ids).Should().BeLessThanOrEqualTo(bound);

    [Fact]
    public void What_lookups_read_lies_64_bytes_before_what_writers_write()
    {
        IoasidTable table = Filled(1).Active.Table!;

        Distance(ref table.Pages, ref table.Owners).Should().BePositive();
        (Distance(ref table.Owners, ref table.Ids.Root) - IntPtr.Size).Should().BeGreaterThanOrEqualTo(64, "the first owner is the last that lookups read");
        Distance(ref table.Ids.Root, ref table.Counts).Should().BePositive();
    }

    [Fact]
    public void A_full_allocator_takes_17_bytes_an_id_and_gives_them_back()
    {
        const int Count = IoasidRange.PasidLimit - 1;
        long before = SettledMemory.Measure();
        var allocator = new IoasidAllocator();
        Fill(allocator, Count);
        double live = (double)(SettledMemory.Measure() - before) / Count;
        for (uint id = 1; id <= Count; id++)
        {
            allocator.Free(new Ioasid(id));
        }

        double freed = (double)(SettledMemory.Measure() - before) / Count;
        GC.KeepAlive(allocator);
        live.Should().BeLessThan(17);
        freed.Should().BeLessThan(2);
    }

    [Fact]
    public void A_few_ids_near_the_top_cost_kilobytes_and_not_gigabytes()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var allocator = new IoasidAllocator();
        foreach (uint id in new[] { uint.MaxValue - 1, uint.MaxValue - 513, 3_000_000_000, 1u << 31 })
        {
            allocator.TryAllocate(new IoasidRange(id, id), _owner, _data, out _).Should().BeTrue();
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(300_000);
    }

    [Fact]
    public void A_border_between_pages_can_be_crossed_again_and_again_without_making_pages()
    {
        var allocator = new IoasidAllocator();
        Fill(allocator, 1_023);
        var border = new IoasidRange(1_024, 1_024);
        allocator.TryAllocate(border, _owner, _data, out Ioasid id);
        allocator.Free(id);
        long before = GC.GetAllocatedBytesForCurrentThread();

        for (int i = 0; i < 1_000; i++)
        {
            allocator.TryAllocate(border, _owner, _data, out id);
            allocator.Free(id);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    /// <summary>The bytes that one allocator keeps with so many live ids, over many allocators.</summary>
    private long KeptBy(int ids)
    {
        const int Allocators = 20_000;
        Fill(new IoasidAllocator(), ids);
        var allocators = new IoasidAllocator[Allocators];
        long before = SettledMemory.Measure();
        for (int i = 0; i < allocators.Length; i++)
        {
            allocators[i] = new IoasidAllocator();
            Fill(allocators[i], ids);
        }

        long kept = SettledMemory.Measure() - before;
        GC.KeepAlive(allocators);
        return kept / Allocators;
    }

    private void Fill(IoasidAllocator allocator, int count)
    {
        for (int i = 0; i < count; i++)
        {
            allocator.TryAllocate(IoasidRange.Pasids, _owner, _data, out _).Should().BeTrue();
        }
    }

    private IoasidAllocator Filled(int count)
    {
        var allocator = new IoasidAllocator();
        Fill(allocator, count);
        return allocator;
    }

    private static long Distance<TFrom, TTo>(ref TFrom from, ref TTo to) =>
        Unsafe.ByteOffset(ref Unsafe.As<TFrom, byte>(ref from), ref Unsafe.As<TTo, byte>(ref to));
}

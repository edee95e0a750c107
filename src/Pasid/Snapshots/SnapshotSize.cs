using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Estimates how much memory a snapshot takes once it is restored, from nothing but itself: a few megabytes of ids far apart stand for
/// gigabytes of pages. Never less than it takes, and at most about twice as much where there is much of anything.
/// </summary>
/// <remarks>The sizes are those of the objects on 64 bits, measured; of lists and dictionaries, which grow by doubling, with some
/// room. What is needed only while the snapshot is read counts too.</remarks>
internal static class SnapshotSize
{
    /// <summary>A binder with an allocator that has all that it has once.</summary>
    private const long HostBytes = 56 * 1024;

    private const long PageBytes = 24 + (16 * SlotPages.PageLength);

    /// <summary>The map and the directory for 2^18 ids, without the words of the map.</summary>
    private const long BlockBytes = 640 + 24 + (8 * 512);

    /// <summary>The row of maps and the middle directory for 2^25 ids.</summary>
    private const long RowBytes = 2 * (24 + (8 * 128));

    /// <summary>An id while it is read; its slot is part of a page.</summary>
    private const long IdBytes = 64;

    private const long ManyReferencesBytes = 64;
    private const long LoneIdBytes = 40;
    private const long OwnerBytes = 100;
    private const long AddressSpaceBytes = 160;
    private const long ThreadListBytes = 64;
    private const long ThreadBytes = 64;
    private const long PortalBytes = 80;
    private const long BindingBytes = 136;
    private const long DeviceBytes = 56;
    private const long CallbacksBytes = 64;

    /// <summary>Estimates it for a snapshot all of whose lists are there; what is null in them counts as nothing.</summary>
    public static long Estimate(SnapshotFile snapshot)
    {
        long portalMapBytes = 768 + (32L * Environment.ProcessorCount);
        long size = HostBytes + EstimateIds(snapshot);
        size += OwnerBytes * snapshot.Owners.Count;
        size += LoneIdBytes * (snapshot.LeakedPasids.Count + (snapshot.HeldBackIds?.Count ?? 0L));
        foreach (AddressSpaceEntry? addressSpace in snapshot.AddressSpaces)
        {
            size += AddressSpaceBytes;
            size += addressSpace?.Threads is { Count: not 0 } threads ? ThreadListBytes + (ThreadBytes * threads.Count) : 0;
            size += addressSpace?.Portals is { Count: not 0 } portals ? portalMapBytes + (PortalBytes * portals.Count) : 0;
        }

        foreach (BindingEntry? binding in snapshot.Bindings)
        {
            size += BindingBytes;
            foreach (DeviceEntry? device in binding?.Devices ?? [])
            {
                size += DeviceBytes + (device?.Callbacks is null ? 0 : CallbacksBytes);
            }
        }

        foreach (QueueEntry? queue in snapshot.Queues ?? [])
        {
            size += 2L * Unsafe.SizeOf<PageRequest>() * (queue?.Requests?.Count ?? 0);
        }

        return size;
    }

    private static long EstimateIds(SnapshotFile snapshot)
    {
        // A snapshot has them in order, and a file that somebody made may not.
        uint[] ids = [.. snapshot.Ids.OfType<IdEntry>().Select(id => id.Id), .. snapshot.HeldBackIds ?? []];
        Array.Sort(ids);
        return EstimatePages(ids)
            + snapshot.Ids.OfType<IdEntry>().Sum(id => IdBytes + (id.References >= SlotWord.ManyReferences ? ManyReferencesBytes : 0) + (id.HasStaleBinding ? BindingBytes : 0));
    }

    private static long EstimatePages(ReadOnlySpan<uint> ids)
    {
        long size = 0;
        while (!ids.IsEmpty)
        {
            // One block after the other: the words of its map reach from its first id to its last; those of block 0 from its begin.
            uint block = ids[0] >> IdBitmap.Shift;
            long page = -1;
            int length = 0;
            for (; length < ids.Length && ids[length] >> IdBitmap.Shift == block; length++)
            {
                long next = ids[length] >> SlotPages.PageShift;
                size += next == page ? 0 : PageBytes;
                page = next;
            }

            IdBitmap.FindWindow(block == 0 ? 0 : Leaf(ids[0]), Leaf(ids[length - 1]), out int _, out int leaves);
            size += BlockBytes + 24 + (8 * leaves);
            ids = ids[length..];
            size += ids.IsEmpty || ids[0] >> FarPages.TopShift != block >> (FarPages.TopShift - IdBitmap.Shift) ? RowBytes : 0;
        }

        return size;
    }

    private static int Leaf(uint id) => (int)(id & ((1u << IdBitmap.Shift) - 1)) >> 6;
}

using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// The kernel's id allocator: strict lowest-free-first ids with data, owner and references, lookups without a lock, and
/// custom allocators that can take the default one's place.
/// </summary>
/// <remarks>
/// <para>All members are safe for concurrent use; each takes effect atomically. Independent of every other instance:
/// nothing is static. Owners of ids, data objects and custom allocators are referenced, never copied or disposed.</para>
/// <para>Memory follows the ids that are live, wherever they lie in 0 .. 4294967294. At most 1048575 owners can have live
/// ids at the same time; an allocation for one more fails as if the range were exhausted.</para>
/// <para>Models <c>drivers/iommu/ioasid.c</c>. One difference from the kernel: where the range holds no free number
/// besides 4294967295, the kernel takes that slot behind the caller's back and still reports failure; here
/// the number is never touched.</para>
/// </remarks>
[DebuggerDisplay("LiveCount = {LiveCount}")]
public sealed partial class IoasidAllocator : IIoasidAllocator, ICustomIoasidRegistry
{
    /// <summary>The id space that calls go to: the default one's, or that of the group at the head of the queue.
    /// Changed only with the gate of the table that it leaves held.</summary>
    private IoasidTable _active = new(group: null);

    /// <inheritdoc/>
    public long LiveCount => Volatile.Read(ref _active).LiveCount;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    /// <remarks>
    /// Models <c>ioasid_alloc</c>. With a custom allocator the functions choose the id. One that is live already is
    /// handed back to them and the call fails, as in the kernel. One outside <paramref name="range"/> is recorded by the
    /// kernel as it is; here it is handed back and the call fails.
    /// </remarks>
    public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        IoasidTable table = EnterActive();
        bool isAllocated;
        uint value;
        try
        {
            isAllocated = table.Group is { } group
                ? TryAllocateCustom(group, range, ioasidSet, data, out value)
                : table.TryAllocateUnsynchronized(range, ioasidSet, data, out value);
        }
        finally
        {
            table.Gate.Exit();
        }

        id = isAllocated ? new Ioasid(value) : Ioasid.Invalid;
        return isAllocated;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus Free(Ioasid id)
    {
        IoasidTable table = EnterActive();
        try
        {
            switch (table.GetReferencesUnsynchronized(id.Value))
            {
                case 0:
                    return PasidStatus.NotFound;
                case 1:
                    RemoveLast(table, id.Value);
                    return PasidStatus.Success;
                default:
                    return PasidStatus.Busy;
            }
        }
        finally
        {
            table.Gate.Exit();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus AddReference(Ioasid id)
    {
        IoasidTable table = EnterActive();
        try
        {
            long references = table.GetReferencesUnsynchronized(id.Value);
            if (references == 0)
            {
                return PasidStatus.NotFound;
            }

            table.SetReferencesUnsynchronized(id.Value, references + 1);
            return PasidStatus.Success;
        }
        finally
        {
            table.Gate.Exit();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public IoasidRelease DropReference(Ioasid id)
    {
        IoasidTable table = EnterActive();
        try
        {
            long references = table.GetReferencesUnsynchronized(id.Value);
            switch (references)
            {
                case 0:
                    return IoasidRelease.Unknown;
                case 1:
                    RemoveLast(table, id.Value);
                    return IoasidRelease.Freed;
                default:
                    table.SetReferencesUnsynchronized(id.Value, references - 1);
                    return IoasidRelease.StillReferenced;
            }
        }
        finally
        {
            table.Gate.Exit();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus SetData(Ioasid id, object? data)
    {
        IoasidTable table = EnterActive();
        try
        {
            return table.SetDataUnsynchronized(id.Value, data);
        }
        finally
        {
            table.Gate.Exit();
        }
    }

    /// <inheritdoc/>
    /// <remarks>Takes no lock: it never waits for an allocation, and never makes one wait. Models <c>ioasid_find</c>.</remarks>
    public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
    {
        // A table that stops being active right after this read still answers for the moment before: it was changed
        // under its gate, and a table that is no longer active is not changed any more.
        PasidStatus status = Volatile.Read(ref _active).Lookup(id.Value, ioasidSet, out data);
        if (predicate is not null && status == PasidStatus.Success && !predicate(data))
        {
            data = null;
        }

        return status;
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The cost grows with the distance to the next live id: one word for 64 numbers, nothing for numbers that were
    /// never near a live id.
    /// </remarks>
    public bool TryFindLive(Ioasid from, out Ioasid id)
    {
        IoasidTable table = Volatile.Read(ref _active);
        table.Gate.Enter();
        try
        {
            bool isFound = table.TryFindLiveUnsynchronized(from.Value, out uint value);
            id = isFound ? new Ioasid(value) : Ioasid.Invalid;
            return isFound;
        }
        finally
        {
            table.Gate.Exit();
        }
    }

    /// <summary>Gets how many references an id has.</summary>
    /// <param name="id">The id.</param>
    /// <returns>1 after an allocation, more after <see cref="AddReference"/>; 0 if the id is not allocated.</returns>
    public long GetReferenceCount(Ioasid id)
    {
        IoasidTable table = Volatile.Read(ref _active);
        table.Gate.Enter();
        try
        {
            return table.GetReferencesUnsynchronized(id.Value);
        }
        finally
        {
            table.Gate.Exit();
        }
    }

    /// <summary>Frees an id that has one reference left; a custom allocator's functions are told first.</summary>
    private static void RemoveLast(IoasidTable table, uint id)
    {
        table.Group?.Free(id);
        table.RemoveUnsynchronized(id);
    }

    /// <summary>Enters the gate of the active table.</summary>
    private IoasidTable EnterActive()
    {
        while (true)
        {
            IoasidTable table = Volatile.Read(ref _active);
            ThrowIfInsideFunction(table);
            table.Gate.Enter();

            // Another thread may have registered or unregistered between the read and the gate.
            if (ReferenceEquals(table, _active))
            {
                return table;
            }

            table.Gate.Exit();
        }
    }
}

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
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
    /// <see langword="null"/> until it is needed, which keeps an allocator that never allocates small. Changed only with the
    /// gate of the table that it leaves held.</summary>
    private IoasidTable? _active;

    /// <summary>Makes an allocator without live ids and without custom allocators.</summary>
    public IoasidAllocator()
    {
    }

    /// <inheritdoc/>
    public long LiveCount => Volatile.Read(ref _active)?.LiveCount ?? 0;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    /// <remarks>
    /// Models <c>ioasid_alloc</c>. With a custom allocator the functions choose the id. One that is live already is
    /// handed back to them and the call fails, as in the kernel. One outside <paramref name="range"/> is recorded by the
    /// kernel as it is; here it is handed back and the call fails.
    /// </remarks>
    public bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        // The common case calls nothing that comes back here, and so keeps everything in registers; each other case is
        // left to a method that goes on to the end.
        IoasidTable? table = Volatile.Read(ref _active);
        if (!TryEnterDefault(table))
        {
            return TryAllocateInside(EnterActive(), range, ioasidSet, data, out id);
        }

        long allocated = table.TryAllocateSimply(range, ioasidSet, data);
        if (allocated == IoasidTable.IsFurther)
        {
            allocated = table.TryAllocateFurther(range, ioasidSet, data);
        }

        if (allocated < 0)
        {
            return TryAllocateInside(table, range, ioasidSet, data, out id);
        }

        table.Exit();
        id = new Ioasid((uint)allocated);
        return true;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus Free(Ioasid id)
    {
        IoasidTable? table = Volatile.Read(ref _active);
        if (!TryEnterDefault(table))
        {
            return FreeInside(EnterActive(), id);
        }

        if (!table.TryFreeSimply(id.Value) && !table.TryFreeFurther(id.Value))
        {
            return FreeInside(table, id);
        }

        table.Exit();
        return PasidStatus.Success;
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
            ExitActive(table);
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
            if (references == 0)
            {
                return IoasidRelease.Unknown;
            }

            if (references == 1)
            {
                table.Group?.Free(id.Value);
            }

            table.SetReferencesUnsynchronized(id.Value, references - 1);
            return references == 1 ? IoasidRelease.Freed : IoasidRelease.StillReferenced;
        }
        finally
        {
            ExitActive(table);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus SetData(Ioasid id, object? data)
    {
        IoasidTable? table = Volatile.Read(ref _active);
        if (!TryEnterDefault(table))
        {
            table = EnterActive();
        }

        PasidStatus status = table.SetDataUnsynchronized(id.Value, data);
        ExitActive(table);
        return status;
    }

    /// <inheritdoc/>
    /// <remarks>Takes no lock: it never waits for an allocation, and never makes one wait. Models <c>ioasid_find</c>.</remarks>
    public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
    {
        // A table that stops being active right after this read still answers for the moment before: it was changed
        // under its gate, and a table that is no longer active is not changed any more.
        IoasidTable? table = Volatile.Read(ref _active);
        if (table is not null && predicate is null)
        {
            return table.Lookup(id.Value, ioasidSet, out data);
        }

        return LookupWithPredicate(table, id, ioasidSet, predicate, out data);
    }

    /// <inheritdoc/>
    /// <remarks>
    /// The cost grows with the distance to the next live id: one word for 64 numbers, nothing for numbers that were
    /// never near a live id.
    /// </remarks>
    public bool TryFindLive(Ioasid from, out Ioasid id)
    {
        IoasidTable table = EnterToRead(out bool isEntered);
        bool isFound = table.TryFindLiveUnsynchronized(from.Value, out uint value);
        if (isEntered)
        {
            ExitActive(table);
        }

        id = isFound ? new Ioasid(value) : Ioasid.Invalid;
        return isFound;
    }

    /// <summary>Gets how many references an id has.</summary>
    /// <param name="id">The id.</param>
    /// <returns>1 after an allocation, more after <see cref="AddReference"/>; 0 if the id is not allocated.</returns>
    public long GetReferenceCount(Ioasid id)
    {
        IoasidTable table = EnterToRead(out bool isEntered);
        long references = table.GetReferencesUnsynchronized(id.Value);
        if (isEntered)
        {
            ExitActive(table);
        }

        return references;
    }

    /// <summary>Enters the gate of a table that is the default one and active, if nobody is inside.</summary>
    /// <param name="table">What a volatile read of <see cref="_active"/> answered: a custom table is put there after the
    /// registry, so that whoever reads one finds the registry too.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterDefault([NotNullWhen(true)] IoasidTable? table)
    {
        if (table is null || _registry is not null || !table.TryEnter())
        {
            return false;
        }

        // The first custom allocator may have been registered between the reads and the gate.
        if (ReferenceEquals(table, _active))
        {
            return true;
        }

        table.Exit();
        return false;
    }

    /// <summary>Enters the gate of the active table.</summary>
    private IoasidTable EnterActive()
    {
        while (true)
        {
            IoasidTable table = Volatile.Read(ref _active) ?? MakeDefault();
            if (table.Group is null)
            {
                table.Enter();
            }
            else
            {
                table.Group.Enter();
            }

            // Another thread may have registered or unregistered between the read and the gate.
            if (ReferenceEquals(table, _active))
            {
                return table;
            }

            ExitActive(table);
        }
    }

    /// <summary>Looks an id up, whoever owns it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal PasidStatus Lookup(Ioasid id, out object? data)
    {
        IoasidTable? table = Volatile.Read(ref _active);
        if (table is not null)
        {
            return table.Lookup(id.Value, owner: null, out data);
        }

        data = null;
        return PasidStatus.NotFound;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static PasidStatus LookupWithPredicate(IoasidTable? table, Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
    {
        data = null;
        PasidStatus status = table?.Lookup(id.Value, ioasidSet, out data) ?? PasidStatus.NotFound;
        if (predicate is not null && status == PasidStatus.Success && !predicate(data))
        {
            data = null;
        }

        return status;
    }

    /// <summary>Allocates from the active table, whose gate has been entered, and leaves it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateInside(IoasidTable table, IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        Slot[]? page = null;
        if (table.Group is null && table.NeedsPageUnsynchronized(range))
        {
            // A collection that the new page sets off must not find the gate taken. Whatever happened meanwhile, the
            // allocation below begins anew.
            table.Exit();
            page = IoasidTable.NewPage();
            table = EnterActive();
        }

        try
        {
            long allocated = table.Group is { } group
                ? AllocateCustom(group, range, ioasidSet, data)
                : table.AllocateUnsynchronized(range, ioasidSet, data, page);

            // -1 is Ioasid.Invalid.
            id = new Ioasid((uint)allocated);
            return allocated >= 0;
        }
        finally
        {
            ExitActive(table);
        }
    }

    /// <summary>Frees an id of a table whose gate has been entered, and leaves it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static PasidStatus FreeInside(IoasidTable table, Ioasid id)
    {
        try
        {
            if (table.Group is { } group && table.GetReferencesUnsynchronized(id.Value) == 1)
            {
                group.Free(id.Value);
            }

            return table.FreeUnsynchronized(id.Value);
        }
        finally
        {
            ExitActive(table);
        }
    }

    /// <summary>Enters the gate of the active table, unless a function of this very table is asking.</summary>
    private IoasidTable EnterToRead(out bool isEntered)
    {
        IoasidTable? table = Volatile.Read(ref _active);
        isEntered = table?.Group is not { IsEnteredByCurrentThread: true };
        return isEntered ? EnterActive() : table!;
    }

    private static void ExitActive(IoasidTable table)
    {
        if (table.Group is null)
        {
            table.Exit();
        }
        else
        {
            table.Group.Exit();
        }
    }

    private IoasidTable MakeDefault()
    {
        var table = new IoasidTable(group: null);
        return Interlocked.CompareExchange(ref _active, table, null) ?? table;
    }
}

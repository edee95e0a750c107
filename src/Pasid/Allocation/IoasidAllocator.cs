using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// The kernel's id allocator: strict lowest-free-first ids with data, owner and references, lookups without a lock, and
/// custom allocators that can take the default one's place.
/// </summary>
/// <remarks>
/// <para>All members are safe for concurrent use; each takes effect atomically. Independent of every other instance:
/// nothing is static. Owners of ids, data objects and custom allocators are referenced, never copied or disposed.</para>
/// <para>Memory follows the ids that are live, wherever they lie in 0 .. 4294967294: 16 bytes each where they lie together, a page of 8 KB
/// where one is alone among 512, with up to 5 KB of directories where one is alone among 2^18. Once all are free at most 64 KB stay.
/// An id that a quarantine holds back counts as live there. At most 1048575 owners can have live
/// ids at the same time; an allocation for one more fails as if the range were exhausted.</para>
/// <para>Models <c>drivers/iommu/ioasid.c</c>. One difference from the kernel: where the range holds no free number
/// besides 4294967295, the kernel takes that slot behind the caller's back and still reports failure; here
/// the number is never touched.</para>
/// </remarks>
[DebuggerDisplay("LiveCount = {LiveCount}")]
[DebuggerTypeProxy(typeof(IoasidAllocatorDebugView))]
public sealed partial class IoasidAllocator : IIoasidAllocator, ICustomIoasidRegistry
{
    private ActiveTable _active;

    /// <summary>Makes an allocator without live ids and without custom allocators, which logs nothing.</summary>
    public IoasidAllocator()
    {
    }

    /// <summary>Makes an allocator that logs: each allocation and free at level Debug, what fails as a warning.</summary>
    /// <param name="loggerFactory">Where the logger comes from; its category is <c>Pasid.IoasidAllocator</c>. What a logger
    /// throws is not passed on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loggerFactory"/> is <see langword="null"/>.</exception>
    public IoasidAllocator(ILoggerFactory loggerFactory)
        : this(loggerFactory, hostName: null)
    {
    }

    /// <summary>Makes an allocator that gives ids by a policy of its own.</summary>
    /// <param name="reusePolicy">Which free id is given.</param>
    /// <param name="loggerFactory">Where the logger comes from; its category is <c>Pasid.IoasidAllocator</c>. <see langword="null"/>
    /// for no log. What a logger throws is not passed on.</param>
    /// <exception cref="ArgumentNullException"><paramref name="reusePolicy"/> is <see langword="null"/>.</exception>
    public IoasidAllocator(IoasidReusePolicy reusePolicy, ILoggerFactory? loggerFactory = null)
    {
        ArgumentNullException.ThrowIfNull(reusePolicy);
        _active.Annex = new AllocatorAnnex(LogCategory.MakeLogger(loggerFactory, nameof(IoasidAllocator), hostName: null), reusePolicy);
    }

    internal IoasidAllocator(ILoggerFactory loggerFactory, string? hostName)
    {
        ArgumentNullException.ThrowIfNull(loggerFactory);
        _active.Annex = new AllocatorAnnex(LogCategory.MakeLogger(loggerFactory, nameof(IoasidAllocator), hostName), IoasidReusePolicy.LowestFirst);
    }

    /// <summary>Gets which free id of a range is given.</summary>
    /// <value>By default <see cref="IoasidReusePolicy.LowestFirst"/>.</value>
    public IoasidReusePolicy ReusePolicy => _active.Policy;

    /// <summary>Gets the logger, if the allocator has one.</summary>
    internal ILogger? Logger => _active.Annex?.Logger;

    /// <summary>Gets the id space that calls go to, for those who care for the whole of it.</summary>
    internal ref ActiveTable Active => ref _active;

    /// <inheritdoc/>
    public long LiveCount => Volatile.Read(ref _active.Table)?.Counts.ReadLive() ?? 0;

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
        IoasidTable? table = Volatile.Read(ref _active.Table);
        if (!TryEnterDefault(table))
        {
            return TryAllocateAndLog(range, ioasidSet, data, out id);
        }

        long allocated = table.TryAllocateSimply(range, ioasidSet, data);
        if (allocated < 0)
        {
            return allocated == IoasidTable.IsFurther
                ? TryAllocateFurther(table, range, ioasidSet, data, out id)
                : TryAllocateAndLeave(table, range, ioasidSet, data, out id);
        }

        table.Leave();
        id = new Ioasid((uint)allocated);
        return true;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus Free(Ioasid id)
    {
        IoasidTable? table = Volatile.Read(ref _active.Table);
        if (!TryEnterDefault(table))
        {
            return FreeAndLog(id);
        }

        if (!table.TryFreeSimply(id.Value))
        {
            return FreeFurther(table, id);
        }

        table.Leave();
        return PasidStatus.Success;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus AddReference(Ioasid id) => LogIfNotAllocated(AddReferenceUnlogged(id), nameof(AddReference), id);

    internal PasidStatus AddReferenceUnlogged(Ioasid id)
    {
        IoasidTable table = _active.Enter();
        long references;
        using (table.LeaveAtEnd())
        {
            references = table.GetReferencesUnsynchronized(id.Value);
            if (references is not (0 or long.MaxValue))
            {
                table.SetReferencesUnsynchronized(id.Value, references + 1);
            }
        }

        return references switch
        {
            0 => CountFailure(PasidStatus.NotFound),
            long.MaxValue => CountFailure(PasidStatus.Overflow),
            _ => PasidStatus.Success,
        };
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public IoasidRelease DropReference(Ioasid id)
    {
        IoasidRelease release = DropReferenceUnlogged(id);
        if (release == IoasidRelease.Unknown)
        {
            LogIfNotAllocated(PasidStatus.NotFound, nameof(DropReference), id);
        }
        else if (release == IoasidRelease.Freed)
        {
            Logger?.Freed(id);
        }

        return release;
    }

    internal IoasidRelease DropReferenceUnlogged(Ioasid id)
    {
        IoasidTable table = _active.Enter();
        long references;
        using (table.LeaveAtEnd())
        {
            references = table.GetReferencesUnsynchronized(id.Value);
            if (references != 0)
            {
                table.SetReferencesUnsynchronized(id.Value, references - 1);
            }
        }

        if (references == 0)
        {
            CountFailure(PasidStatus.NotFound);
            return IoasidRelease.Unknown;
        }

        return references == 1 ? IoasidRelease.Freed : IoasidRelease.StillReferenced;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    public PasidStatus SetData(Ioasid id, object? data) => LogIfNotAllocated(SetDataUnlogged(id, data), nameof(SetData), id);

    internal PasidStatus SetDataUnlogged(Ioasid id, object? data) =>
        TrySetDataSimply(id, data) ? PasidStatus.Success : SetDataByCall(id, data);

    /// <summary>Replaces the data of an id if that takes no call, and so cannot fail.</summary>
    /// <returns><see langword="false"/> if nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TrySetDataSimply(Ioasid id, object? data)
    {
        IoasidTable? table = Volatile.Read(ref _active.Table);
        if (!TryEnterDefault(table))
        {
            return false;
        }

        bool isSet = table.TrySetDataUnsynchronized(id.Value, data);
        table.Leave();
        return isSet;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus SetDataByCall(Ioasid id, object? data)
    {
        IoasidTable table = _active.Enter();
        bool isSet = table.TrySetDataUnsynchronized(id.Value, data);
        table.Leave();
        return isSet ? PasidStatus.Success : CountFailure(PasidStatus.NotFound);
    }

    /// <inheritdoc/>
    /// <remarks>Takes no lock: it never waits for an allocation, and never makes one wait. Models <c>ioasid_find</c>.</remarks>
    public PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data)
    {
        // A table that stops being active right after this read still answers for the moment before: it was changed
        // under its gate, and a table that is no longer active is not changed any more.
        IoasidTable? table = Volatile.Read(ref _active.Table);
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
        using (_active.EnterToRead(out IoasidTable table))
        {
            // -1 is Ioasid.Invalid.
            id = new Ioasid((uint)table.FindLiveUnsynchronized(from.Value));
        }

        return id.IsValid;
    }

    /// <summary>Gets how many references an id has.</summary>
    /// <param name="id">The id.</param>
    /// <returns>1 after an allocation, more after <see cref="AddReference"/>; 0 if the id is not allocated.</returns>
    /// <remarks>Models <c>refs</c> of <c>struct ioasid_data</c>. It may be asked from inside a function of a custom allocator.</remarks>
    public long GetReferenceCount(Ioasid id)
    {
        using (_active.EnterToRead(out IoasidTable table))
        {
            return table.GetReferencesUnsynchronized(id.Value);
        }
    }

    /// <summary>Gets what the allocator has done so far.</summary>
    /// <returns>A picture that no later call changes.</returns>
    /// <remarks>Takes no lock.</remarks>
    public IoasidStatistics GetStatistics() => _active.GetStatistics();

    /// <inheritdoc/>
    public PasidStatus Register(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        IoasidTable active = Volatile.Read(ref _active.Table) ?? _active.MakeDefault();

        // Without a registry the active table is the default one.
        CustomRegistry registry = _active.EnsureAnnex().EnsureRegistry(active);
        PasidStatus status = registry.Register(ref _active, customAllocator);
        if (status == PasidStatus.Success)
        {
            Logger?.CustomAllocatorRegistered(customAllocator.Name);
            return status;
        }

        CountFailure(status);
        Logger?.CustomAllocatorRefused(customAllocator.Name, status);
        return status;
    }

    /// <inheritdoc/>
    public PasidStatus Unregister(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        PasidStatus status = PasidStatus.NotFound;
        long orphans = 0;
        if (Volatile.Read(ref _active.Annex)?.Registry is { } registry)
        {
            status = registry.Unregister(ref _active, customAllocator, out orphans);
        }

        if (status != PasidStatus.Success)
        {
            CountFailure(status);
            Logger?.CustomAllocatorUnknown(customAllocator.Name);
            return status;
        }

        Logger?.CustomAllocatorUnregistered(customAllocator.Name);
        if (orphans != 0)
        {
            Logger?.IdsOrphaned(customAllocator.Name, orphans);
        }

        return status;
    }

    /// <summary>Finds the data of an id, whoever owns it, if that takes no call.</summary>
    /// <returns><see langword="false"/> if <see cref="IIoasidAllocator.Lookup"/> has to be asked.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryLookupSimply(Ioasid id, out object? data)
    {
        if (Volatile.Read(ref _active.Table) is { } table)
        {
            return table.TryLookupSimply(id.Value, out data);
        }

        data = null;
        return false;
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
}

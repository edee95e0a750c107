using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Pasid.Internal;

namespace Pasid;

/// <content>How the gate of a table is entered, what is allocated and freed inside where the fast way does not do, and what is counted
/// and logged once it is left.</content>
public sealed partial class IoasidAllocator
{
    /// <summary>Enters the gate of a table that is the default one and active, if nobody is inside.</summary>
    /// <param name="table">What a volatile read of <see cref="ActiveTable.Table"/> answered.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryEnterDefault([NotNullWhen(true)] IoasidTable? table)
    {
        if (table is null || table.HasDetour || !table.TryEnter())
        {
            return false;
        }

        // The first custom allocator may have been registered between the read and the gate.
        if (ReferenceEquals(table, _active.Table))
        {
            return true;
        }

        table.Leave();
        return false;
    }

    /// <summary>Allocates an id from 2^18 on from the default table, whose gate has been entered, and leaves it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateFurther(IoasidTable table, IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        long allocated = table.TryAllocateFurther(range, ioasidSet, data);
        if (allocated < 0)
        {
            return TryAllocateAndLeave(table, range, ioasidSet, data, out id);
        }

        table.Leave();
        id = new Ioasid((uint)allocated);
        return true;
    }

    /// <summary>Frees an id from 2^18 on of the default table, whose gate has been entered, and leaves it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus FreeFurther(IoasidTable table, Ioasid id)
    {
        if (!table.TryFreeFurther(id.Value))
        {
            return FreeAndLeave(table, id);
        }

        table.Leave();
        return PasidStatus.Success;
    }

    /// <summary>Allocates from the active table, whose gate has been entered, and leaves it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateAndLeave(IoasidTable table, IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        Slot[]? page = null;
        if (table.Group is null && table.NeedsPageUnsynchronized(range))
        {
            // A collection that the new page sets off must not find the gate taken. Whatever happened meanwhile, the
            // allocation below begins anew.
            table.Leave();
            page = SlotPages.NewPage();
            table = _active.Enter();
        }

        long allocated;
        using (table.LeaveAtEnd())
        {
            allocated = table.Group is { } group
                ? group.Allocate(range, ioasidSet, data)
                : table.AllocateUnsynchronized(range, ioasidSet, data, page);
        }

        // -1 is Ioasid.Invalid.
        id = new Ioasid((uint)allocated);
        if (allocated < 0)
        {
            CountFailure(PasidStatus.NoSpace);
        }

        return allocated >= 0;
    }

    /// <summary>Frees an id of a table whose gate has been entered, and leaves it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus FreeAndLeave(IoasidTable table, Ioasid id)
    {
        PasidStatus status;
        using (table.LeaveAtEnd())
        {
            status = table.FreeUnsynchronized(id.Value);
        }

        return status == PasidStatus.Success ? status : CountFailure(status);
    }

    /// <summary>Allocates when the fast way is not open; the only way for an allocator that logs.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryAllocateAndLog(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id)
    {
        bool isAllocated = TryAllocateUnlogged(range, ioasidSet, data, out id);
        if (isAllocated)
        {
            Logger?.Allocated(id, range);
        }
        else
        {
            Logger?.NoFreeId(range);
        }

        return isAllocated;
    }

    internal bool TryAllocateUnlogged(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id) =>
        TryAllocateAndLeave(_active.Enter(), range, ioasidSet, data, out id);

    /// <summary>Frees when the fast way is not open; the only way for an allocator that logs.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus FreeAndLog(Ioasid id)
    {
        PasidStatus status = FreeUnlogged(id);
        if (status == PasidStatus.Success)
        {
            Logger?.Freed(id);
        }
        else if (status == PasidStatus.Busy)
        {
            Logger?.IdStillReferenced(id);
        }

        return LogIfNotAllocated(status, nameof(Free), id);
    }

    internal PasidStatus FreeUnlogged(Ioasid id) => FreeAndLeave(_active.Enter(), id);

    private PasidStatus LogIfNotAllocated(PasidStatus status, string operation, Ioasid id)
    {
        if (status == PasidStatus.NotFound)
        {
            Logger?.IdNotAllocated(operation, id);
        }

        return status;
    }

    private PasidStatus CountFailure(PasidStatus status)
    {
        _active.EnsureAnnex().Failures.Count(status);
        return status;
    }
}

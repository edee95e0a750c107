using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Where the PASIDs of a host come from: its allocator, called inside the gate of the host. One that is not the library's own is
/// believed nothing: it may give a number twice.
/// </summary>
internal sealed class PasidSource
{
    /// <summary>What is called; the allocator itself, or what it is without its log.</summary>
    private readonly IIoasidAllocator _allocator;

    private readonly Steps _steps;

    /// <summary>How many PASIDs are held of the library's own allocator; <see langword="null"/> until there was one.</summary>
    private PasidHolder? _holder;

    /// <summary>The PASIDs that are held of an allocator that is not the library's own, each with the binding that is its data;
    /// <see langword="null"/> over the library's own.</summary>
    private readonly Dictionary<Ioasid, SvmRecord?>? _heldPasids;

    public PasidSource(IIoasidAllocator allocator, Steps steps)
    {
        Own = allocator as IoasidAllocator;
        _allocator = Own?.Logger is null ? allocator : new UnloggedAllocator(Own);
        _heldPasids = Own is null ? [] : null;
        _steps = steps;
    }

    /// <summary>Gets the allocator if it is the library's own, so that the look-ups of devices call it directly.</summary>
    public IoasidAllocator? Own { get; }

    /// <summary>Gets the count of what is held of the library's own allocator; made when it is first needed.</summary>
    public PasidHolder Holder => _holder ??= Own!.Active.EnsureAnnex().Join();

    public PasidStatus Lookup(Ioasid pasid, out SvmRecord? record)
    {
        PasidStatus status = _allocator.Lookup(pasid, ioasidSet: null, predicate: null, out object? data);
        record = data as SvmRecord;
        return status <= 0 ? status : throw Undefined(status);
    }

    /// <summary>Gets the data of an id, whosever it is.</summary>
    /// <returns><see langword="false"/> if it is not live.</returns>
    public bool TryGetData(Ioasid id, out object? data) => _allocator.Lookup(id, out data) == PasidStatus.Success;

    public LiveIoasids LiveIds() => _allocator.LiveIds();

    /// <summary>Checks that what a lookup found is a binding with the PASID that it was asked for.</summary>
    public void CheckFound(SvmRecord record, Ioasid pasid)
    {
        if (_heldPasids is not null && record.Pasid != pasid)
        {
            throw new InvalidOperationException($"The allocator {_allocator.GetType()} answered the data of PASID {record.Pasid} for PASID {pasid}: it has to answer the data that it was given with the id.");
        }
    }

    /// <summary>Allocates a PASID for a binding, which becomes its data.</summary>
    public PasidStatus Allocate(in Operation operation, IoasidRange range, SvmRecord record)
    {
        PasidStatus status = PasidStatus.NoSpace;
        if (TryAllocate(range, record, out Ioasid pasid))
        {
            CheckAllocated(record, pasid, range);
            record.Pasid = pasid;
            status = PasidStatus.Success;
        }

        _steps.Observe(in operation, SvmEventKind.Allocated, record.Pasid, range: range, status: status);
        return status;
    }

    /// <summary>Gives a PASID back.</summary>
    public void Free(in Operation operation, Ioasid pasid, SvmRecord? record)
    {
        _heldPasids?.Remove(pasid);
        try
        {
            PasidStatus status = _allocator.Free(pasid);
            if (status != PasidStatus.NotFound)
            {
                _holder?.Remove();
            }

            if (status == PasidStatus.Busy)
            {
                // Others hold references, so the id outlives this call: it must not lead to a binding that is over.
                record?.Release(PasidStatus.InvalidArgument);
                _allocator.SetData(pasid, data: null);
                _allocator.DropReference(pasid);
            }
            else if (status is not (PasidStatus.Success or PasidStatus.NotFound))
            {
                throw new InvalidOperationException($"The allocator {_allocator.GetType()} answered {status} when PASID {pasid} was given back: it has to take it.");
            }
        }
        catch (Exception exception) when (operation.IsCompleting)
        {
            // Functions that did not take the id back leave it live; it must not lead to a binding that is over.
            operation.Defer(exception);
        }

        // Only now: a lookup that came to the record before the id was free, and finds it released, looks again.
        record?.Release(PasidStatus.NotFound);
        _steps.Observe(in operation, SvmEventKind.Freed, pasid);
    }

    /// <summary>Attaches a binding to a PASID that stays allocated.</summary>
    /// <returns><see cref="PasidStatus.NotFound"/> if the PASID was freed behind the binder's back.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PasidStatus Attach(Ioasid pasid, SvmRecord record)
    {
        PasidStatus status = Own is { } allocator ? allocator.SetDataUnlogged(pasid, record) : _allocator.SetData(pasid, record);
        return status <= 0 ? status : throw Undefined(status);
    }

    /// <summary>Remembers which binding is attached to a PASID, where the allocator cannot be trusted with it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Hold(Ioasid pasid, SvmRecord? record)
    {
        if (_heldPasids is { } heldPasids)
        {
            heldPasids[pasid] = record;
        }
    }

    /// <summary>Detaches a binding from a PASID that stays allocated.</summary>
    public void Detach(in Operation operation, SvmRecord record)
    {
        record.Release(PasidStatus.InvalidArgument);
        if (Own is null || !Own.TrySetDataSimply(record.Pasid, data: null))
        {
            ClearData(in operation, record.Pasid);
        }

        Hold(record.Pasid, record: null);
        _steps.Observe(in operation, SvmEventKind.DataCleared, record.Pasid);
    }

    /// <summary>Holds nothing any more, for the end of the binder.</summary>
    public void Leave()
    {
        if (_holder is not null)
        {
            Own!.Active.Annex!.Leave(_holder);
        }
    }

    private InvalidOperationException Undefined(PasidStatus status) => Steps.Undefined($"The allocator {_allocator.GetType()}", status);

    private bool TryAllocate(IoasidRange range, SvmRecord record, out Ioasid pasid)
    {
        if (Own is not null)
        {
            Holder.Add();
        }

        bool isAllocated = false;
        try
        {
            isAllocated = _allocator.TryAllocate(range, ioasidSet: null, record, out pasid);
        }
        finally
        {
            if (!isAllocated)
            {
                _holder?.Remove();
            }
        }

        return isAllocated;
    }

    /// <summary>Refuses what an allocator that is not the library's own must not answer. A number outside the range is given back, if
    /// it was free; one that is held already is not, and gets the data back that the allocator has taken from it.</summary>
    private void CheckAllocated(SvmRecord record, Ioasid pasid, IoasidRange range)
    {
        if (_heldPasids is null)
        {
            return;
        }

        bool isInRange = range.Contains(pasid);
        if (isInRange && _heldPasids.TryAdd(pasid, record))
        {
            return;
        }

        Exception? further = null;
        try
        {
            if (_heldPasids.TryGetValue(pasid, out SvmRecord? holder))
            {
                _allocator.SetData(pasid, holder);
            }
            else if (pasid.IsValid && _allocator.Lookup(pasid, out object? data) == PasidStatus.Success && ReferenceEquals(data, record))
            {
                _allocator.Free(pasid);
            }
        }
#pragma warning disable CA1031 // The first fault is the one to be told; this goes with it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            further = exception;
        }

        throw new InvalidOperationException(
            $"The allocator {_allocator.GetType()} gave PASID {pasid} for {range}, which is {(isInRange ? "live already" : "outside")}: it has to give a free id of the range, or answer false.",
            further);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ClearData(in Operation operation, Ioasid pasid)
    {
        try
        {
            PasidStatus status = _allocator.SetData(pasid, data: null);
            if (status is not (PasidStatus.Success or PasidStatus.NotFound))
            {
                throw new InvalidOperationException($"The allocator {_allocator.GetType()} answered {status} when PASID {pasid} was to have no data: it has to take that.");
            }
        }
        catch (Exception exception) when (operation.IsCompleting)
        {
            operation.Defer(exception);
        }
    }
}

using Pasid.Internal;

namespace Pasid;

/// <content>The answering of requests, one after the other; the gate of the answering is held.</content>
public sealed partial class PageRequestQueue
{
    private int AnswerUnsynchronized(int most, AnswerRun run)
    {
        int handled = 0;
        _binder.BeginAnswering();
        try
        {
            while (handled < most && TryPeek(out PageRequest request))
            {
                Answer(in request, run);
                handled++;
                Advance();
            }
        }
        finally
        {
            _binder.EndAnswering();
        }

        return handled;
    }

    private bool TryPeek(out PageRequest request)
    {
        _ringGate.Enter();
        bool isEmpty = _head == _tail;
        request = isEmpty ? default : _ring[_head];
        _hasOverflowed &= !isEmpty;
        _ringGate.Exit();
        return !isEmpty;
    }

    /// <summary>Takes the request out that was answered: until now it was outstanding.</summary>
    private void Advance()
    {
        _ringGate.Enter();
        _ring[_head] = default;
        Volatile.Write(ref _head, (_head + 1) & (_ring.Length - 1));
        _requests++;
        _ringGate.Exit();
    }

    private void Answer(in PageRequest request, AnswerRun run)
    {
        PageResponseCode code = PageResponseCode.ResponseFailure;
        if (request.Pasid is { } pasid && _binder.FindRecord(pasid, out SvmRecord? record) == PasidStatus.Success)
        {
            code = Handle(record!, in request, run);
            TellDevice(record!, pasid, in request, code, run);
        }
        else
        {
            Note(run, in request, code: null);
        }

        if (!request.IsDue)
        {
            return;
        }

        _due++;
        Note(run, in request, code);
        try
        {
            Respond(in request, code);
        }
#pragma warning disable CA1031 // Passed on at the end, like everything that is thrown while answering.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            run.Fail(exception);
        }

        _given++;
    }

    private void Note(AnswerRun run, in PageRequest request, PageResponseCode? code)
    {
        if (_logger is not null)
        {
            run.Note(this, in request, code);
        }
    }

    private PageResponseCode Handle(SvmRecord record, in PageRequest request, AnswerRun run)
    {
        if (record.AddressSpace is not { } addressSpace || !addressSpace.TryAddUser())
        {
            return PageResponseCode.InvalidRequest;
        }

        if (!IsCanonical(request.Address))
        {
            if (_binder.Profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser))
            {
                addressSpace.CountLeakedUser();
            }
            else
            {
                Leave(addressSpace, run);
            }

            return PageResponseCode.InvalidRequest;
        }

        FaultOutcome outcome = FaultOutcome.Failed;
        try
        {
            outcome = addressSpace.FaultHandler?.Handle(addressSpace, request.Address, request.Rights) ?? FaultOutcome.NotMapped;
        }
#pragma warning disable CA1031 // As above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            run.Fail(exception);
        }

        Leave(addressSpace, run);
        return outcome == FaultOutcome.Handled ? PageResponseCode.Success : PageResponseCode.InvalidRequest;
    }

    /// <summary>Stops using an address space, now or, if nobody else uses it, when the gates are left.</summary>
    private static void Leave(AddressSpace addressSpace, AnswerRun run)
    {
        if (!addressSpace.TryDropUser())
        {
            run.Leaving.Add(addressSpace);
        }
    }

    private static void TellDevice(SvmRecord record, Ioasid pasid, in PageRequest request, PageResponseCode code, AnswerRun run)
    {
        try
        {
            record.FindCallbacks(request.Device)?.OnPageRequest(request.Device, pasid, request.Address, request.PrivateData, request.Rights, code);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            run.Fail(exception);
        }
    }

    private void Respond(in PageRequest request, PageResponseCode code)
    {
        int index = code == PageResponseCode.ResponseFailure ? 2 : (int)code;
        Interlocked.Increment(ref _responses[index]);
        _responder.Respond(new PageResponse(request.Device, request.Pasid, request.GroupIndex, code, request.PrivateData));
    }

    /// <summary>Tells whether the upper bits of an address are all like the highest that is used.</summary>
    private bool IsCanonical(ulong address) => (ulong)((long)(address << _unusedBits) >> _unusedBits) == address;
}

using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <content>The answering of requests, one after the other, by the thread whose turn it is. Nothing that is thrown ends it: what has
/// begun goes to its end, and the first exception is passed on then.</content>
public sealed partial class PageRequestQueue
{
    /// <summary>What the answer under way leaves to be done; written by who answers.</summary>
    private AnswerRun? _run;

    /// <summary>Answers as far as the turn goes, and gives it up.</summary>
    private int AnswerAll(PageRequestQueue? outer, AnswerRun run)
    {
        int handled = 0;
        bool isAsked;
        do
        {
            while (TryNext(isNested: outer is not null, out PageRequest request, out isAsked))
            {
                Answer(in request, run);
                handled++;
                Advance();
            }
        }
        while (isAsked && TryTakeTurn(outer, isAgain: true));
        return handled;
    }

    /// <summary>Answers up to the goal of a drain, or until a capture or restore asks for the turn, and gives it up.</summary>
    private void AnswerUpToGoal(AnswerRun run)
    {
        while (TryNext(isNested: false, out PageRequest request, out _))
        {
            Answer(in request, run);
            Advance();
        }
    }

    /// <summary>Has this thread process a queue once it has answered what it is answering here.</summary>
    private void Owe(PageRequestQueue queue) => _run!.Owe(queue);

    private void Answer(in PageRequest request, AnswerRun run)
    {
        _run = run;
        PageResponseCode code = PageResponseCode.ResponseFailure;
        if (request.Pasid is { } pasid && FindRecord(pasid, run) is { } record)
        {
            code = Handle(record, in request, run);
            TellDevice(record, pasid, in request, code, run);
        }
        else
        {
            Note(run, in request, code: null);
        }

        if (request.IsDue)
        {
            _due++;
            Note(run, in request, code);
            TryRespond(in request, code, run);
            _given++;
        }

        _run = null;
    }

    private SvmRecord? FindRecord(Ioasid pasid, AnswerRun run)
    {
        try
        {
            _binder.FindRecord(pasid, out SvmRecord? record);
            return record;
        }
#pragma warning disable CA1031 // An allocator of somebody's own threw. Passed on at the end, like everything that is thrown while answering.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            run.Fail(exception);
            return null;
        }
    }

    private void Note(AnswerRun run, in PageRequest request, PageResponseCode? code)
    {
        if (_logger is not null)
        {
            Note(_logger, run, request, code);
        }
    }

    private static void Note(ILogger logger, AnswerRun run, PageRequest request, PageResponseCode? code) =>
        run.Notes.Add(() =>
        {
            if (code is { } given)
            {
                logger.PageRequestAnswered(request.Device, request.Pasid, request.Address, given);
            }
            else
            {
                logger.PageRequestOfNobody(request.Device, request.Pasid);
            }
        });

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
            if (outcome is < FaultOutcome.Handled or > FaultOutcome.Failed)
            {
                throw new InvalidOperationException($"The fault handler of the address space '{addressSpace}' answered {(int)outcome}: answer a value of {nameof(FaultOutcome)}.");
            }
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

    /// <summary>Stops using an address space, which exits if nobody else uses it.</summary>
    private void Leave(AddressSpace addressSpace, AnswerRun run)
    {
        try
        {
            if (!addressSpace.TryDropUser())
            {
                _binder.DropLastUser(addressSpace, run);
            }
        }
#pragma warning disable CA1031 // As above; or a handler has dropped a user too many, and nobody is left to leave.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            run.Fail(exception);
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

    private void TryRespond(in PageRequest request, PageResponseCode code, AnswerRun run)
    {
        try
        {
            Respond(in request, code);
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

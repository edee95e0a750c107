using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// Answers requests as the kernel's thread does, one after the other. Nothing that is thrown ends it: what has begun goes to its end,
/// and the first exception is passed on then. Called by the thread whose turn it is.
/// </summary>
/// <remarks>Models <c>prq_event_thread</c>.</remarks>
internal sealed class RequestAnswerer(RequestQueues queues, IPageResponder responder, ILogger? logger)
{
    private readonly int _unusedBits = 64 - queues.AddressWidth;

    /// <summary>How often each code was responded: by value, and the third is <see cref="PageResponseCode.ResponseFailure"/>.</summary>
    private readonly long[] _responses = new long[3];

    /// <summary>Gets how many responses the requests that were handled have to get.</summary>
    public long Due { get; private set; }

    /// <summary>Gets how many of these they got.</summary>
    public long Given { get; private set; }

    public PageRequestStatistics GetStatistics(long requests, long overflows) =>
        new(requests, overflows, Volatile.Read(ref _responses[0]), Volatile.Read(ref _responses[1]), Volatile.Read(ref _responses[2]));

    public void Answer(in PageRequest request, Aftermath aftermath)
    {
        PageResponseCode code = PageResponseCode.ResponseFailure;
        if (request.Pasid is { } pasid && Find(pasid, aftermath) is { } target)
        {
            code = Handle(target, in request, aftermath);
            TellDevice(target, pasid, in request, code, aftermath);
        }
        else
        {
            Note(aftermath, in request, code: null);
        }

        if (request.IsDue)
        {
            Due++;
            Note(aftermath, in request, code);
            TryRespond(in request, code, aftermath);
            Given++;
        }
    }

    public void Respond(in PageRequest request, PageResponseCode code)
    {
        int index = code == PageResponseCode.ResponseFailure ? 2 : (int)code;
        Interlocked.Increment(ref _responses[index]);
        responder.Respond(new PageResponse(request.Device, request.Pasid, request.GroupIndex, code, request.PrivateData));
    }

    private IRequestTarget? Find(Ioasid pasid, Aftermath aftermath)
    {
        try
        {
            return queues.Targets.Find(pasid);
        }
#pragma warning disable CA1031 // An allocator of somebody's own threw. Passed on at the end, like everything that is thrown while answering.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            aftermath.Fail(exception);
            return null;
        }
    }

    private void Note(Aftermath aftermath, in PageRequest request, PageResponseCode? code)
    {
        if (logger is not null)
        {
            Note(logger, aftermath, request, code);
        }
    }

    private static void Note(ILogger logger, Aftermath aftermath, PageRequest request, PageResponseCode? code) =>
        aftermath.Note(() =>
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

    private PageResponseCode Handle(IRequestTarget target, in PageRequest request, Aftermath aftermath)
    {
        if (target.AddressSpace is not { } addressSpace || !addressSpace.TryAddUser())
        {
            return PageResponseCode.InvalidRequest;
        }

        if (!IsCanonical(request.Address))
        {
            if (queues.Profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser))
            {
                addressSpace.CountLeakedUser();
            }
            else
            {
                Leave(addressSpace, aftermath);
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
            aftermath.Fail(exception);
        }

        Leave(addressSpace, aftermath);
        return outcome == FaultOutcome.Handled ? PageResponseCode.Success : PageResponseCode.InvalidRequest;
    }

    /// <summary>Stops using an address space, which exits if nobody else uses it.</summary>
    private static void Leave(AddressSpace addressSpace, Aftermath aftermath)
    {
        try
        {
            addressSpace.Processes.DropUser(addressSpace, aftermath);
        }
#pragma warning disable CA1031 // As above; or a handler has dropped a user too many, and nobody is left to leave.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            aftermath.Fail(exception);
        }
    }

    private static void TellDevice(IRequestTarget target, Ioasid pasid, in PageRequest request, PageResponseCode code, Aftermath aftermath)
    {
        try
        {
            target.FindCallbacks(request.Device)?.OnPageRequest(request.Device, pasid, request.Address, request.PrivateData, request.Rights, code);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            aftermath.Fail(exception);
        }
    }

    private void TryRespond(in PageRequest request, PageResponseCode code, Aftermath aftermath)
    {
        try
        {
            Respond(in request, code);
        }
#pragma warning disable CA1031 // As above.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            aftermath.Fail(exception);
        }
    }

    /// <summary>Tells whether the upper bits of an address are all like the highest that is used.</summary>
    private bool IsCanonical(ulong address) => (ulong)((long)(address << _unusedBits) >> _unusedBits) == address;
}

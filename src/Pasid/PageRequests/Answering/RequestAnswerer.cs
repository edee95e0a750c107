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

#pragma warning disable CA1031 // Whatever users' functions throw while a request is answered is passed on at the end.
    public void Answer(in PageRequest request, Aftermath aftermath)
    {
        PageResponseCode code = PageResponseCode.ResponseFailure;
        if (request.Pasid is { } pasid && Find(pasid, aftermath) is { } target)
        {
            code = Handle(target, in request, aftermath);
            try
            {
                target.FindCallbacks(request.Device)?.OnPageRequest(request.Device, pasid, request.Address, request.PrivateData, request.Rights, code);
            }
            catch (Exception exception)
            {
                aftermath.Fail(exception);
            }
        }
        else
        {
            Note(aftermath, in request, code: null);
        }

        if (request.IsDue)
        {
            Due++;
            Note(aftermath, in request, code);
            try
            {
                Respond(in request, code);
            }
            catch (Exception exception)
            {
                aftermath.Fail(exception);
            }

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
        catch (Exception exception)
        {
            // An allocator of somebody's own threw.
            aftermath.Fail(exception);
            return null;
        }
    }

    private PageResponseCode Handle(IRequestTarget target, in PageRequest request, Aftermath aftermath)
    {
        if (target.AddressSpace is not { } addressSpace || !addressSpace.TryAddUser())
        {
            return PageResponseCode.InvalidRequest;
        }

        bool isCanonical = (ulong)((long)(request.Address << _unusedBits) >> _unusedBits) == request.Address;
        if (!isCanonical && queues.Profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser))
        {
            addressSpace.CountLeakedUser();
            return PageResponseCode.InvalidRequest;
        }

        FaultOutcome outcome = FaultOutcome.Failed;
        try
        {
            outcome = isCanonical ? addressSpace.FaultHandler?.Handle(addressSpace, request.Address, request.Rights) ?? FaultOutcome.NotMapped : outcome;
            if (outcome is < FaultOutcome.Handled or > FaultOutcome.Failed)
            {
                throw new InvalidOperationException($"The fault handler of the address space '{addressSpace}' answered {(int)outcome}: answer a value of {nameof(FaultOutcome)}.");
            }
        }
        catch (Exception exception)
        {
            aftermath.Fail(exception);
        }

        try
        {
            addressSpace.Processes.DropUser(addressSpace, aftermath);
        }
        catch (Exception exception)
        {
            // Or a handler has dropped a user too many, and nobody is left to leave.
            aftermath.Fail(exception);
        }

        return outcome == FaultOutcome.Handled ? PageResponseCode.Success : PageResponseCode.InvalidRequest;
    }
#pragma warning restore CA1031

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
}

using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// Answers requests as the kernel's thread does, one after the other. Nothing that is thrown ends it: what has begun goes to its end,
/// and the first exception is passed on then. Called by the thread whose turn it is.
/// </summary>
/// <remarks>Models <c>prq_event_thread</c>.</remarks>
internal sealed class RequestAnswerer(RequestQueues queues, IPageResponder responder, IPageRequestObserver? observer, ILogger? logger)
{
    private readonly KernelProfile _profile = queues.Profile;

    /// <summary>How often each code was responded: by value, and the third is <see cref="PageResponseCode.ResponseFailure"/>.</summary>
    private readonly long[] _responses = new long[3];

    /// <summary>Whether the request before had a PASID that is not allocated: what the kernel found for it is an error pointer, which it
    /// follows for the next one (<see cref="KernelQuirks.UnknownPasidEndsThread"/>).</summary>
    private bool _isPoisoned;

    /// <summary>Gets how many responses the requests that were handled have to get.</summary>
    public long Due { get; private set; }

    /// <summary>Gets how many of these they got.</summary>
    public long Given { get; private set; }

    public long CountResponses(PageResponseCode code) => Volatile.Read(ref _responses[IndexOf(code)]);

    /// <summary>Begins a run of the thread, whose registers are all it has.</summary>
    public void BeginRun() => _isPoisoned = false;

    /// <summary>Tells the observer, if there is one.</summary>
    public void Tell(Aftermath aftermath, PageRequestEventKind kind, PageRequestRegister register = default, ulong value = 0)
    {
        if (observer is not null)
        {
            Tell(observer, aftermath, new PageRequestEvent(kind, register, value));
        }
    }

#pragma warning disable CA1031 // Whatever users' functions throw while a request is answered is passed on at the end.

    /// <summary>Answers a request.</summary>
    /// <returns><see langword="false"/> if the thread has died of it.</returns>
    public bool TryAnswer(in PageRequest request, Aftermath aftermath)
    {
        PageResponseCode code = _profile.PageRequests < PageRequestRules.Linux510 ? PageResponseCode.ResponseFailure : PageResponseCode.InvalidRequest;
        if (request.Pasid is not { } pasid)
        {
            Tell(aftermath, PageRequestEventKind.PasidAbsent);
            Note(aftermath, in request, code: null);
        }
        else if (_isPoisoned)
        {
            Tell(aftermath, PageRequestEventKind.ThreadDied);
            return false;
        }
        else if (Find(pasid, aftermath, out bool isUnknown) is { } target)
        {
            code = Handle(target, pasid, in request, aftermath);
        }
        else
        {
            _isPoisoned = isUnknown && _profile.Has(KernelQuirks.UnknownPasidEndsThread);
            Tell(aftermath, PageRequestEventKind.PasidUnknown);
            Note(aftermath, in request, code: null);
        }

        if (request.IsDue)
        {
            Due++;
            Note(aftermath, in request, code);
            try
            {
                Respond(in request, code, FindPrivateData(in request));
            }
            catch (Exception exception)
            {
                aftermath.Fail(exception);
            }

            Given++;
        }

        return true;
    }

    /// <summary>Answers in the place of the thread, as the hardware does.</summary>
    public void RespondAtOnce(in PageRequest request, PageResponseCode code) => Respond(in request, code, request.PrivateData);

    private static int IndexOf(PageResponseCode code) => code == PageResponseCode.ResponseFailure ? 2 : (int)code;

    private static void Tell(IPageRequestObserver observer, Aftermath aftermath, PageRequestEvent pageRequestEvent)
    {
        try
        {
            observer.OnEvent(in pageRequestEvent);
        }
        catch (Exception exception)
        {
            aftermath.Fail(exception);
        }
    }

    private void Respond(in PageRequest request, PageResponseCode code, UInt128? privateData)
    {
        Interlocked.Increment(ref _responses[IndexOf(code)]);
        responder.Respond(new PageResponse(request.Device, request.Pasid, request.GroupIndex, code, privateData) { IsLastInGroup = request.IsLastInGroup });
    }

    private UInt128? FindPrivateData(in PageRequest request)
    {
        bool isClaimed = _profile.Has(KernelQuirks.ResponseClaimsPrivateData) ? request.Pasid is not null : request.PrivateData is not null;
        return !isClaimed ? null : _profile.Has(KernelQuirks.ResponseLosesPrivateData) ? UInt128.Zero : request.PrivateData ?? UInt128.Zero;
    }

    private IRequestTarget? Find(Ioasid pasid, Aftermath aftermath, out bool isUnknown)
    {
        try
        {
            return queues.Targets.Find(pasid, out isUnknown);
        }
        catch (Exception exception)
        {
            // An allocator of somebody's own threw.
            aftermath.Fail(exception);
            isUnknown = false;
            return null;
        }
    }

    /// <summary>Handles a request whose PASID is bound, and tells the driver of its device.</summary>
    private PageResponseCode Handle(IRequestTarget target, Ioasid pasid, in PageRequest request, Aftermath aftermath)
    {
        PageResponseCode code = BringIn(target, in request, aftermath);
        ISvmDeviceCallbacks? callbacks = FindCallbacks(target, in request, aftermath);
        bool isByNumber = _profile.Has(KernelQuirks.CallbackGetsPageNumber);
        try
        {
            callbacks?.OnPageRequest(
                request.Device,
                pasid,
                isByNumber ? request.Address >> PageRequest.PageShift : request.Address,
                isByNumber ? request.PrivateData ?? UInt128.Zero : request.PrivateData,
                request.Rights,
                code);
        }
        catch (Exception exception)
        {
            aftermath.Fail(exception);
        }

        return code;
    }

    private ISvmDeviceCallbacks? FindCallbacks(IRequestTarget target, in PageRequest request, Aftermath aftermath)
    {
        if (!target.TryFindDevice(request.Device, _profile.Has(KernelQuirks.RequesterIdIsIdentity), out ISvmDeviceCallbacks? callbacks))
        {
            Tell(aftermath, PageRequestEventKind.DeviceUnknown);
        }

        return callbacks;
    }

    /// <summary>Becomes a user of an address space, unless the last has left, or it has as many as can be counted.</summary>
    private static bool TryAddUser(AddressSpace addressSpace, Aftermath aftermath)
    {
        try
        {
            return addressSpace.TryAddUser();
        }
        catch (Exception exception)
        {
            aftermath.Fail(exception);
            return false;
        }
    }

    private PageResponseCode BringIn(IRequestTarget target, in PageRequest request, Aftermath aftermath)
    {
        if (target.AddressSpace is not { } addressSpace)
        {
            return PageResponseCode.InvalidRequest;
        }

        bool isCanonical = CanonicalAddress.Is(request.Address, queues.AddressWidth);
        bool isLeaked = !isCanonical && _profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser);
        if ((!isCanonical && !isLeaked) || !TryAddUser(addressSpace, aftermath))
        {
            return PageResponseCode.InvalidRequest;
        }

        if (isLeaked)
        {
            addressSpace.CountLeakedUser();
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
        catch (Exception exception)
        {
            outcome = FaultOutcome.Failed;
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

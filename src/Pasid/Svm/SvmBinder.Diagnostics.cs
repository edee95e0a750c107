using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <content>What is counted inside the gate, and what is logged once it is left.</content>
public sealed partial class SvmBinder
{
    private long _binds;
    private long _unbinds;

    private readonly StatusCounts _failures = new();

    /// <inheritdoc/>
    public SvmStatistics GetStatistics()
    {
        EnterGate();
        try
        {
            return new SvmStatistics(_failures.Defined())
            {
                Capacity = Math.Max((int)_pasidLimit - 1, 0),
                Bindings = _bindingCount,
                AddressSpaces = _keptCount,
                LeakedPasids = _leakedPasids?.Count ?? 0,
                Binds = _binds,
                Unbinds = _unbinds,
                OtherFailures = _failures.Others(),
                Commands = CountEnqcmds(EnqcmdOutcome.Accepted),
                Retries = CountEnqcmds(EnqcmdOutcome.Retry),
                InstructionFaults = CountEnqcmds(EnqcmdOutcome.InvalidOpcode) + CountEnqcmds(EnqcmdOutcome.GeneralProtection) + CountEnqcmds(EnqcmdOutcome.PageFault),
                Fixups = Volatile.Read(ref _fixups),
                PageRequests = SumQueues(statistics => statistics.Requests),
                PageRequestOverflows = SumQueues(statistics => statistics.Overflows),
                PageResponses = SumQueues(statistics => statistics.Successes + statistics.InvalidRequests + statistics.Failures),
            };
        }
        finally
        {
            _gate.Leave();
        }
    }

    private long CountEnqcmds(EnqcmdOutcome outcome) => Volatile.Read(ref _enqcmds[(int)outcome]);

    private long SumQueues(Func<PageRequestStatistics, long> count) => count(_detached) + _queues.Sum(queue => count(queue.GetStatistics()));

    /// <summary>Remembers what a callback threw, for the log; an exception filter that never catches.</summary>
    private bool Note(Exception exception)
    {
        if (_logger is not null)
        {
            _operation.Thrown ??= exception;
        }

        return false;
    }

    /// <summary>Leaves the gate, logs what came up inside it, and passes on what callbacks threw while the operation was
    /// completed.</summary>
    private void Exit(string operation)
    {
        if (_operation.Failure is null && _operation.Drained is null && _logger is null)
        {
            _operation.IsCompleting = false;
            _gate.Leave();
            return;
        }

        ExitSlowly(operation);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ExitSlowly(string operation)
    {
        OperationState state = TakeOperation(operation);
        _gate.Leave();

        // Causes first: a drain comes before the unbind that it belongs to, and what that brings about after it.
        state.Drained?.WriteNotes();
        if (state.Unbound is { } device)
        {
            _logger?.Unbound(device, state.UnboundPasid);
        }

        state.Notes?.ForEach(static write => write());
        state.Drained?.ProcessOwed();
        (state.Drained?.Failure ?? state.Failure)?.Throw();
    }

    /// <summary>Takes the state of the operation that leaves the gate.</summary>
    private OperationState TakeOperation(string operation)
    {
        OperationState state = _operation;
        _operation = default;
        Exception? thrown = (state.Drained?.Failure ?? state.Failure)?.SourceException ?? state.Thrown;
        if (thrown is not null && _logger is { } logger)
        {
            NoteThrown(logger, ref state, thrown, operation);
        }

        return state;
    }

    // Each in a method of its own: what a message tells of is kept in an object, which nobody makes where nobody logs.

    private void NoteExited(ILogger logger, AddressSpace addressSpace) => Note(() => logger.AddressSpaceExited(addressSpace));

    private void NoteDestroyed(ILogger logger, AddressSpace addressSpace) => Note(() => logger.AddressSpaceDestroyed(addressSpace));

    private void NoteLeaked(ILogger logger, Ioasid pasid) => Note(() => logger.PasidLeaked(Profile.Name, pasid));

    private void NoteDisposed(ILogger logger, int bindings, int addressSpaces) => Note(() => logger.BinderDisposed(bindings, addressSpaces));

    private static void NoteThrown(ILogger logger, ref OperationState state, Exception thrown, string operation) =>
        (state.Notes ??= []).Add(() => logger.CallbackThrew(thrown, operation));

    /// <summary>Keeps a message until the gate is left.</summary>
    private void Note(Action message) => (_operation.Notes ??= []).Add(message);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LogBind(ILogger logger, SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, PasidStatus status, PasidStatus reported, Ioasid pasid, BindFailure failure)
    {
        string target = (flags & SvmBindFlags.Supervisor) != 0 || addressSpace is null ? "the supervisor" : addressSpace.Name;
        if (status == PasidStatus.Success)
        {
            logger.Bound(device, target, pasid, flags);
        }
        else if (reported == PasidStatus.Success)
        {
            logger.FailureReportedAsSuccess(Profile.Name, device, status);
        }
        else if (logger.IsEnabled(LogLevel.Warning))
        {
            logger.BindFailed(device, target, flags, status, failure.Explain(status, device, addressSpace));
        }
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <content>What is counted inside the gate, and what is logged once it is left.</content>
public sealed partial class SvmBinder
{
    private long _binds;
    private long _unbinds;

    private readonly StatusCounts _failures = new();

    /// <summary>What a callback threw in the operation under way, to be logged after it.</summary>
    private Exception? _thrown;

    /// <summary>The address spaces whose last user the operation under way took, to be logged after it.</summary>
    private List<AddressSpace>? _exited;

    /// <summary>The address spaces that the operation under way destroyed, to be logged after it.</summary>
    private List<AddressSpace>? _destroyed;

    /// <summary>How many of the leaked PASIDs were logged.</summary>
    private int _loggedLeaks;

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
            _gate.Exit();
        }
    }

    private long CountEnqcmds(EnqcmdOutcome outcome) => Volatile.Read(ref _enqcmds[(int)outcome]);

    private long SumQueues(Func<PageRequestStatistics, long> count) => count(_detached) + (_queues?.Sum(queue => count(queue.GetStatistics())) ?? 0);

    /// <summary>Remembers what a callback threw, for the log; an exception filter that never catches.</summary>
    private bool Note(Exception exception)
    {
        if (_logger is not null)
        {
            _thrown ??= exception;
        }

        return false;
    }

    /// <summary>Leaves the gate, logs what came up inside it, and passes on what callbacks threw while the operation was
    /// completed.</summary>
    private void Exit(string operation)
    {
        _isCompleting = false;
        if (_callbackFailure is null && _drained is null && _logger is null)
        {
            _gate.Exit();
            return;
        }

        ExitSlowly(operation);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ExitSlowly(string operation)
    {
        ExceptionDispatchInfo? failure = _callbackFailure;
        AnswerRun? drained = _drained;
        _callbackFailure = null;
        _drained = null;
        if (_logger is not null)
        {
            LogAndExit(failure, operation);
        }
        else
        {
            _gate.Exit();
        }

        drained?.Log();
        failure?.Throw();
    }

    private void LogAndExit(ExceptionDispatchInfo? failure, string operation)
    {
        Exception? thrown = failure?.SourceException ?? _thrown;
        List<AddressSpace>? exited = _exited;
        List<AddressSpace>? destroyed = _destroyed;
        Ioasid[] leaks = TakeUnloggedLeaks();
        _thrown = null;
        _exited = null;
        _destroyed = null;
        _gate.Exit();

        if (thrown is not null)
        {
            _logger!.CallbackThrew(thrown, operation);
        }

        foreach (Ioasid pasid in leaks)
        {
            _logger!.PasidLeaked(Profile.Name, pasid);
        }

        exited?.ForEach(_logger!.AddressSpaceExited);
        destroyed?.ForEach(_logger!.AddressSpaceDestroyed);
    }

    private Ioasid[] TakeUnloggedLeaks()
    {
        if (_leakedPasids is null || _leakedPasids.Count == _loggedLeaks)
        {
            return [];
        }

        Ioasid[] leaks = [.. _leakedPasids.Skip(_loggedLeaks)];
        _loggedLeaks = _leakedPasids.Count;
        return leaks;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LogBind(ILogger logger, SvmDevice device, AddressSpace? addressSpace, SvmBindFlags flags, PasidStatus status, PasidStatus reported, Ioasid pasid)
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
            logger.BindFailed(device, target, flags, status, Explain(status, device, addressSpace));
        }
    }
}

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The gate of a host, which guards its bindings and its processes. It is held while callbacks are called, so it knows its holder; who
/// comes back from inside one is refused, and so is who is answering a request.
/// </summary>
/// <param name="host">What users know the host as, for the exception of one that is disposed.</param>
/// <param name="logger">Where messages go once the gate is left.</param>
internal sealed class HostGate(string host, ILogger? logger)
{
    /// <summary>What the gate guards, for the message to a callback that calls back.</summary>
    private const string What = "The binder";

    /// <summary>Of the operation that is inside.</summary>
    public OperationState State;

    /// <summary>How many captures and restores wait until nobody answers and drains; not guarded.</summary>
    public int Standstills;

    private Action? _assertInvariants;
    private Gate _gate = new();
    private bool _isDisposed;

    public ILogger? Logger { get; } = logger;

    /// <summary>Gets a value indicating whether the host is disposed; read without the gate by those who only report.</summary>
    public bool IsDisposed => Volatile.Read(ref _isDisposed);

    /// <summary>Gets a value indicating whether a capture or restore waits, which an unbind lets go first.</summary>
    public bool HasStandstill => Volatile.Read(ref Standstills) != 0;

    /// <summary>Gets or sets what tells whether this thread is answering a request over the host, and so may not enter the gate;
    /// <see langword="null"/> until there is a queue.</summary>
    public Func<bool>? IsAnswering { get; set; }

    /// <summary>Begins an operation; refuses a call from inside a callback or an answer, and a disposed host.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Operation Enter([CallerMemberName] string name = "")
    {
        Operation operation = EnterAnyhow(name);
        if (_isDisposed)
        {
            _gate.Leave();
            Throw.Disposed(host);
        }

        return operation;
    }

    /// <summary>Begins an operation that a disposed host takes too; refuses a call from inside a callback or an answer.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Operation EnterAnyhow([CallerMemberName] string name = "")
    {
        if (IsAnswering is not null)
        {
            ThrowIfInside();
        }

        return EnterGate(name);
    }

    /// <summary>Refuses what <see cref="Enter"/> refuses, where there is nothing to guard.</summary>
    public void Pass([CallerMemberName] string name = "")
    {
        using Operation operation = Enter(name);
    }

    /// <summary>Begins an operation that is part of an answer, to whose aftermath messages are added, or that waits for no answer and may
    /// come in the middle of one, or when all answering stands still.</summary>
    public Operation EnterWithTurn(Aftermath? outer, string name)
    {
        Operation operation = EnterGate(name);
        State.Aftermath = outer is null ? null : new Aftermath { Outer = outer };
        return operation;
    }

    /// <summary>Has a debug build assert something of the host whenever an operation begins.</summary>
    [Conditional("DEBUG")]
    public void SetInvariants(Action assertInvariants) => _assertInvariants = assertInvariants;

    /// <summary>Takes no further operation but those that a disposed host takes too.</summary>
    public void MarkDisposed() => Volatile.Write(ref _isDisposed, true);

    /// <summary>Refuses a host that was disposed while the operation had left the gate.</summary>
    public void ThrowIfDisposed()
    {
        if (_isDisposed)
        {
            Throw.Disposed(host);
        }
    }

    /// <summary>Refuses a call from inside a callback.</summary>
    public void ThrowIfInsideGate()
    {
        if (_gate.IsHeldByCurrentThread)
        {
            Throw.CalledFromCallback(What);
        }
    }

    /// <summary>Refuses a call from inside a callback or an answer.</summary>
    public void ThrowIfInside()
    {
        ThrowIfInsideGate();
        if (IsAnswering?.Invoke() == true && !Planted.Is(PlantedFault.HandlersMayCallTheBinder))
        {
            Throw.CalledFromCallback(What);
        }
    }

    /// <summary>Waits until a capture or restore is over that this thread has come upon without the gate.</summary>
    public void WaitForOperation()
    {
        _gate.EnterAsOwner(What);
        _gate.Leave();
    }

    [Conditional("DEBUG")]
    public void AssertInside() => Debug.Assert(_gate.IsHeldByCurrentThread, "The gate of the host has to be entered.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave(string name)
    {
        if (State.Aftermath is null && State.Subject is null)
        {
            State.IsCompleting = false;
            _gate.Leave();
            return;
        }

        LeaveAndFinish(name);
    }

    /// <summary>Leaves the gate in the middle of an operation.</summary>
    public OperationState LeaveMeanwhile()
    {
        AssertInside();
        OperationState state = State;
        State = default;
        _gate.Leave();
        return state;
    }

    /// <summary>Enters the gate again for an operation that left it meanwhile.</summary>
    public void ComeBack(in OperationState state)
    {
        _gate.EnterAsOwner(What);
        State = state;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Operation EnterGate(string name)
    {
        _gate.EnterAsOwner(What);
        BeginInDebug();
        return new Operation(this, name);
    }

    [Conditional("DEBUG")]
    private void BeginInDebug()
    {
        Debug.Assert(State is { IsCompleting: false, Aftermath: null, Subject: null }, "The operation before has left something behind.");
        _assertInvariants?.Invoke();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveAndFinish(string name)
    {
        OperationState state = State;
        State = default;
        if (Logger is { } logger && state.Aftermath is { Cause: { } cause } aftermath)
        {
            NoteThrown(aftermath, logger, cause, name);
        }

        _gate.Leave();
        if (state.Subject is not null)
        {
            state.WriteSubject!(Logger!, state.Subject, state.Number);
        }

        state.Aftermath?.Finish();
    }

    // In a method of its own: what a message tells of is kept in an object, which nobody makes where nothing was thrown.
    private static void NoteThrown(Aftermath aftermath, ILogger logger, Exception cause, string name) =>
        aftermath.Note(() => logger.CallbackThrew(cause, name));
}

/// <summary>What operations write of themselves, once the gate is left.</summary>
internal static partial class OperationLog
{
    [LoggerMessage(EventIds.CallbackThrew, LogLevel.Error, "A callback threw in {Operation}; what it threw is passed on.", EventName = nameof(EventIds.CallbackThrew))]
    public static partial void CallbackThrew(this ILogger logger, Exception exception, string operation);
}

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The gate of a host, which guards its bindings and its processes. It is held while callbacks are called, so it knows its holder; who
/// comes back from inside one is refused, and so is who is answering a request.
/// </summary>
/// <param name="name">What users know the host as, for the exception of one that is disposed.</param>
/// <param name="logger">Where messages go once the gate is left.</param>
internal sealed class HostGate(string name, ILogger? logger)
{
    /// <summary>What the gate guards, for the message to a callback that calls back.</summary>
    private const string What = "The binder";

    private readonly string _name = name;
    private OperationState _state;
    private IAnswering? _answering;
    private Action? _assertInvariants;
    private int _standstills;
    private Gate _gate = new();
    private bool _isDisposed;

    /// <summary>Gets where messages go once the gate is left.</summary>
    public ILogger? Logger { get; } = logger;

    /// <summary>Gets a value indicating whether the host is disposed; read without the gate by those who only report.</summary>
    public bool IsDisposed => Volatile.Read(ref _isDisposed);

    /// <summary>Gets the state of the operation that is inside.</summary>
    public ref OperationState State => ref _state;

    /// <summary>Gets how many captures and restores wait until nobody answers and drains; not guarded.</summary>
    public ref int Standstills => ref _standstills;

    /// <summary>Gets a value indicating whether a capture or restore waits, which an unbind lets go first.</summary>
    public bool HasStandstill => Volatile.Read(ref _standstills) != 0;

    /// <summary>Gets or sets who answers requests over the host; <see langword="null"/> until there is one.</summary>
    public IAnswering? Answering
    {
        get => Volatile.Read(ref _answering);
        set => Volatile.Write(ref _answering, value);
    }

    /// <summary>Begins an operation.</summary>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="InvalidOperationException">The call comes from inside a callback or an answer.</exception>
    /// <exception cref="ObjectDisposedException">The host is disposed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Operation Enter([CallerMemberName] string name = "")
    {
        Operation operation = EnterAnyhow(name);
        if (_isDisposed)
        {
            _gate.Leave();
            Throw.Disposed(_name);
        }

        return operation;
    }

    /// <summary>Begins an operation that a disposed host takes too.</summary>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="InvalidOperationException">The call comes from inside a callback or an answer.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Operation EnterAnyhow([CallerMemberName] string name = "")
    {
        if (_answering is not null)
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

    /// <summary>Begins an operation that is part of an answer, or comes when all answering stands still.</summary>
    /// <param name="outer">What the answer leaves to be done, to which messages are added; <see langword="null"/> for none.</param>
    /// <param name="name">What to call it in messages.</param>
    public Operation EnterWithTurn(Aftermath? outer, string name)
    {
        Operation operation = EnterGate(name);
        _state.Aftermath = outer is null ? null : new Aftermath { Outer = outer };
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
            Throw.Disposed(_name);
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
        if (Answering is { IsOnThisThread: true } && !Planted.Is(PlantedFault.HandlersMayCallTheBinder))
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

    /// <summary>Asserts, in a debug build, that this thread is inside.</summary>
    [Conditional("DEBUG")]
    public void AssertInside() => Debug.Assert(_gate.IsHeldByCurrentThread, "The gate of the host has to be entered.");

    /// <summary>Leaves the gate at the end of an operation.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave(string name)
    {
        if (_state.Aftermath is null && _state.Subject is null)
        {
            _state.IsCompleting = false;
            _gate.Leave();
            return;
        }

        LeaveAndFinish(name);
    }

    /// <summary>Leaves the gate in the middle of an operation.</summary>
    public OperationState LeaveMeanwhile()
    {
        AssertInside();
        OperationState state = _state;
        _state = default;
        _gate.Leave();
        return state;
    }

    /// <summary>Enters the gate again for an operation that left it meanwhile.</summary>
    public void ComeBack(in OperationState state)
    {
        _gate.EnterAsOwner(What);
        _state = state;
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
        Debug.Assert(_state is { IsCompleting: false, Aftermath: null, Subject: null }, "The operation before has left something behind.");
        _assertInvariants?.Invoke();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LeaveAndFinish(string name)
    {
        OperationState state = _state;
        _state = default;
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

using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The time inside the gate of a host: <see cref="HostGate.Enter"/> begins it, the end of a <see langword="using"/> leaves. What has to wait
/// until the gate is left lives in it: messages, exceptions of callbacks that came too late to stop anything, queues that are to be
/// processed.
/// </summary>
/// <remarks>Who is handed one is inside.</remarks>
internal readonly ref struct Operation
{
    private readonly HostGate _gate;
    private readonly string _name;

    public Operation(HostGate gate, string name)
    {
        _gate = gate;
        _name = name;
    }

    /// <summary>Gets a value indicating whether the operation can only go on to its end.</summary>
    public bool IsCompleting => _gate.State.IsCompleting;

    /// <summary>Gets what is left to do once the gate is left; made when it is first needed.</summary>
    public Aftermath Aftermath => _gate.State.Aftermath ??= new Aftermath();

    /// <summary>From here on the operation goes to its end, whatever callbacks throw.</summary>
    public void Complete() => _gate.State.IsCompleting = true;

    /// <summary>Has an exception wait for the end, where the first one is passed on.</summary>
    public void Defer(Exception exception) => Aftermath.Fail(exception);

    /// <summary>Remembers what a callback threw, for the log; an exception filter that never catches.</summary>
    public bool NoteThrown(Exception exception)
    {
        if (_gate.Logger is not null)
        {
            Aftermath.NoteThrown(exception);
        }

        return false;
    }

    /// <summary>Keeps a message until the gate is left.</summary>
    public void Note<T>(T about, Action<ILogger, T> write)
    {
        if (_gate.Logger is { } logger)
        {
            AddNote(logger, about, write);
        }
    }

    /// <summary>Keeps the message that most operations have, without making an object for it; there is a log.</summary>
    public void NoteSimply(object subject, uint number, Action<ILogger, object, uint> write)
    {
        ref OperationState state = ref _gate.State;
        if (state.Aftermath is not null)
        {
            // Others come first, those of the drain that it belongs to.
            AddNote(_gate.Logger!, (subject, number, write), static (logger, kept) => kept.write(logger, kept.subject, kept.number));
            return;
        }

        state.Subject = subject;
        state.Number = number;
        state.WriteSubject = write;
    }

    /// <summary>Leaves the gate, so that others go on; the operation goes on with <see cref="ComeBack"/>.</summary>
    public OperationState LeaveMeanwhile() => _gate.LeaveMeanwhile();

    /// <inheritdoc cref="LeaveMeanwhile"/>
    public void ComeBack(in OperationState state) => _gate.ComeBack(in state);

    /// <summary>Leaves the gate, writes the messages, and passes on what callbacks threw while the operation was completed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose() => _gate.Leave(_name);

    // In a method of its own: what a message tells of is kept in an object, which nobody makes where nobody logs.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AddNote<T>(ILogger logger, T about, Action<ILogger, T> write) => Aftermath.Note(() => write(logger, about));
}

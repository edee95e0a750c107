using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The time inside the gate of a host: <see cref="HostGate.Enter"/> begins it, the end of a <see langword="using"/> leaves. What has to wait
/// until the gate is left lives in it: messages, exceptions of callbacks that came too late to stop anything, queues that are to be
/// processed.
/// </summary>
/// <remarks>Who is handed one is inside.</remarks>
internal readonly ref struct Operation(HostGate gate, string name)
{
    /// <summary>Gets a value indicating whether the operation can only go on to its end.</summary>
    public bool IsCompleting => gate.State.IsCompleting;

    /// <summary>Gets what is left to do once the gate is left; made when it is first needed.</summary>
    public Aftermath Aftermath => gate.State.Aftermath ??= new Aftermath();

    /// <summary>From here on the operation goes to its end, whatever callbacks throw.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Complete() => gate.State.IsCompleting = true;

    /// <summary>Has an exception wait for the end, where the first one is passed on.</summary>
    public void Defer(Exception exception) => Aftermath.Fail(exception);

    /// <summary>Remembers what a callback threw, for the log; an exception filter that never catches.</summary>
    public bool NoteThrown(Exception exception)
    {
        if (gate.Logger is not null)
        {
            Aftermath.NoteThrown(exception);
        }

        return false;
    }

    /// <summary>Keeps a message until the gate is left.</summary>
    public void Note<T>(T about, Action<ILogger, T> write)
    {
        if (gate.Logger is { } logger)
        {
            AddNote(logger, about, write);
        }
    }

    /// <summary>Keeps the message that most operations have, without making an object for it; there is a log.</summary>
    public void NoteSimply(object subject, uint number, Action<ILogger, object, uint> write)
    {
        ref OperationState state = ref gate.State;
        if (state.Aftermath is not null)
        {
            // Others come first, those of the drain that it belongs to.
            AddNote(gate.Logger!, (subject, number, write), static (logger, kept) => kept.write(logger, kept.subject, kept.number));
            return;
        }

        state.Subject = subject;
        state.Number = number;
        state.WriteSubject = write;
    }

    /// <summary>Leaves the gate, so that others go on; the operation goes on with <see cref="ComeBack"/>.</summary>
    public OperationState LeaveMeanwhile() => gate.LeaveMeanwhile();

    /// <inheritdoc cref="LeaveMeanwhile"/>
    public void ComeBack(in OperationState state) => gate.ComeBack(in state);

    /// <summary>Leaves the gate, writes the messages, and passes on what callbacks threw while the operation was completed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Dispose() => gate.Leave(name);

    // In a method of its own: what a message tells of is kept in an object, which nobody makes where nobody logs.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void AddNote<T>(ILogger logger, T about, Action<ILogger, T> write) => Aftermath.Note(() => write(logger, about));
}

/// <summary>What an <see cref="Operation"/> has come to so far; taken out and put back when it leaves the gate in between.</summary>
internal struct OperationState
{
    /// <summary>Set while the operation can only go on to its end: what callbacks throw then waits until it has.</summary>
    public bool IsCompleting;

    /// <summary>What is left to do once the gate is left; <see langword="null"/> in the common case.</summary>
    public Aftermath? Aftermath;

    /// <summary>What the first message tells of: kept in parts, because every unbind has it, and a log that is off must cost no object.</summary>
    public object? Subject;

    /// <inheritdoc cref="Subject"/>
    public uint Number;

    /// <summary>Writes the message about <see cref="Subject"/>.</summary>
    public Action<ILogger, object, uint>? WriteSubject;
}

using System.Runtime.ExceptionServices;

namespace Pasid.Internal;

/// <summary>What is left to do once the gates are left, of an operation or of a thread that has answered requests. Not thread-safe.</summary>
internal sealed class Aftermath
{
    private List<Action>? _notes;
    private List<Action>? _owed;
    private Exception? _thrown;

    /// <summary>Gets or sets the aftermath of which this one becomes a part; <see langword="null"/> for none.</summary>
    public Aftermath? Outer { get; init; }

    /// <summary>Gets the first exception that waits for the end.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    /// <summary>Gets what was thrown first, whether it waits for the end or has ended the operation.</summary>
    public Exception? Cause => Failure?.SourceException ?? _thrown;

    /// <summary>Gets a value indicating whether nothing is left to do.</summary>
    public bool IsEmpty => _notes is null && _owed is null && Failure is null;

    /// <summary>Adds a message, to be written in the order of what the messages tell of.</summary>
    public void Note(Action message) => (_notes ??= []).Add(message);

    /// <summary>Remembers what a callback threw, for the log alone.</summary>
    public void NoteThrown(Exception exception) => _thrown ??= exception;

    /// <summary>Has an exception wait for the end, where the first one is passed on.</summary>
    public void Fail(Exception exception) => Failure ??= ExceptionDispatchInfo.Capture(exception);

    /// <summary>Remembers a queue that stood still when it was to be processed from inside an answer, where waiting for it could be
    /// waiting for oneself. To process it throws nothing where nobody can answer it any more.</summary>
    public void Owe(Action process) => (_owed ??= []).Add(process);

    /// <summary>Writes the messages, processes what is owed, and passes on what was thrown; all gates are left. A part of another one
    /// becomes that one's, but for its failure.</summary>
    public void Finish()
    {
        _notes?.ForEach(Outer is null ? static write => write() : Outer.Note);
        _owed?.ForEach(Outer is null ? ProcessOwed : Outer.Owe);
        Failure?.Throw();
    }

    private void ProcessOwed(Action process)
    {
        try
        {
            process();
        }
#pragma warning disable CA1031 // Passed on with the others; the other queues have their turn first.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }
}

using System.Runtime.ExceptionServices;

namespace Pasid.Internal;

/// <summary>What is left to do when a thread has answered requests and the gates are left. Not thread-safe.</summary>
internal sealed class AnswerRun
{
    private List<Action>? _notes;
    private List<PageRequestQueue>? _owed;

    /// <summary>Gets the messages to be written, in the order of what they tell of.</summary>
    public List<Action> Notes => _notes ??= [];

    /// <summary>Gets the first exception of a handler, callback, responder or allocator.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    public void Fail(Exception exception) => Failure ??= ExceptionDispatchInfo.Capture(exception);

    /// <summary>Remembers a queue that stood still when it was to be processed from inside an answer, where waiting for it could be
    /// waiting for oneself.</summary>
    public void Owe(PageRequestQueue queue) => (_owed ??= []).Add(queue);

    /// <summary>Writes the messages, processes what is owed, and passes on what was thrown; all gates are left.</summary>
    public void Finish()
    {
        WriteNotes();
        ProcessOwed();
        Failure?.Throw();
    }

    public void WriteNotes() => _notes?.ForEach(static write => write());

    public void ProcessOwed()
    {
        foreach (PageRequestQueue queue in _owed ?? [])
        {
            try
            {
                queue.Process();
            }
            catch (ObjectDisposedException) when (queue.IsDisposed)
            {
                // What is in it is answered by nobody.
            }
#pragma warning disable CA1031 // Passed on with the others; the other queues have their turn first.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Fail(exception);
            }
        }
    }
}

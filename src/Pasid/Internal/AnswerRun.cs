using System.Runtime.ExceptionServices;

namespace Pasid.Internal;

/// <summary>What is left to do when a queue has answered and the gates are left. Not thread-safe.</summary>
internal sealed class AnswerRun
{
    private List<(PageRequestQueue Queue, PageRequest Request, PageResponseCode? Code)>? _messages;

    /// <summary>Gets the address spaces that this run was the last to use; each is to be left once.</summary>
    public List<AddressSpace> Leaving { get; } = [];

    /// <summary>Gets the first exception of a handler, callback or responder.</summary>
    public ExceptionDispatchInfo? Failure { get; private set; }

    public void Fail(Exception exception) => Failure ??= ExceptionDispatchInfo.Capture(exception);

    /// <summary>Keeps a message: how a request was answered, or <see langword="null"/> that its PASID is nobody's.</summary>
    public void Note(PageRequestQueue queue, in PageRequest request, PageResponseCode? code) => (_messages ??= []).Add((queue, request, code));

    /// <summary>Writes the messages; all gates are left.</summary>
    public void Log()
    {
        foreach ((PageRequestQueue queue, PageRequest request, PageResponseCode? code) in _messages ?? [])
        {
            queue.Log(in request, code);
        }
    }
}

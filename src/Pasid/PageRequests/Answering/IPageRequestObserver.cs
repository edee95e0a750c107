namespace Pasid;

/// <summary>Is told of every step that the answering of one queue takes, in order; see <see cref="PageRequestQueueOptions.Observer"/>.</summary>
/// <remarks>Called by who answers, and by an unbind that looks whether it has to wait: from several threads at once
/// where one unbinds beside one that answers, so an implementation must be safe for concurrent use. No gate is held. An implementation must not call the binder, which throws
/// <see cref="InvalidOperationException"/> from inside an answer, and in an unbind would wait for itself. What it throws is passed on once all is answered.</remarks>
public interface IPageRequestObserver
{
    /// <summary>Called for each step.</summary>
    /// <param name="pageRequestEvent">What happened.</param>
    void OnEvent(in PageRequestEvent pageRequestEvent);
}

namespace Pasid;

/// <summary>Is told of every step that a binder takes, in order.</summary>
/// <remarks>
/// <para>Calls come one at a time from one binder, with its gate held, right after the step: an observer must not call
/// that binder, nor exit one of its address spaces (such a call throws <see cref="InvalidOperationException"/>), and is
/// safe without locks if it serves one binder.</para>
/// <para>If it throws while a bind goes forward, the bind is undone; if it throws while something is undone, unbound,
/// exited or disposed, that is completed first. Either way the exception is passed on.</para>
/// </remarks>
public interface ISvmObserver
{
    /// <summary>Called for each step.</summary>
    /// <param name="svmEvent">What happened.</param>
    void OnEvent(in SvmEvent svmEvent);
}

using System.Runtime.ExceptionServices;

namespace Pasid.Internal;

/// <summary>What the operation inside a binder's gate has come to so far; taken out and put back when it leaves the gate in between.</summary>
internal struct OperationState
{
    /// <summary>Set while the operation can only go on to its end: what callbacks throw then waits until it has.</summary>
    public bool IsCompleting;

    /// <summary>The first exception that waits for the end of the operation.</summary>
    public ExceptionDispatchInfo? Failure;

    /// <summary>What a callback threw, to be logged after the operation.</summary>
    public Exception? Thrown;

    /// <summary>The device that the operation has unbound once, and from which PASID.</summary>
    public SvmDevice? Unbound;

    /// <inheritdoc cref="Unbound"/>
    public Ioasid UnboundPasid;

    /// <summary>The messages about what the operation brought about, causes first.</summary>
    public List<Action>? Notes;

    /// <summary>What the drain of the operation leaves to be done once the gate is left.</summary>
    public AnswerRun? Drained;

    /// <summary>Which step the fault injector made fail last, so that the failure is told as its doing.</summary>
    public SvmFaultPoint? Injected;
}

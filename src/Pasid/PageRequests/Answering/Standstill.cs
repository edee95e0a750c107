namespace Pasid.Internal;

/// <summary>An operation during which nothing is answered and no unbind drains; see <see cref="RequestQueues.EnterStill"/>.</summary>
internal readonly ref struct Standstill
{
    private readonly RequestQueues _queues;

    public Standstill(RequestQueues queues, Operation operation, RequestRing[] rings)
    {
        _queues = queues;
        Operation = operation;
        Rings = rings;
    }

    public Operation Operation { get; }

    /// <summary>Gets the queues, in the order in which they were attached.</summary>
    public RequestRing[] Rings { get; }

    /// <summary>Leaves the gate and lets the answering go on.</summary>
    public void Dispose()
    {
        try
        {
            Operation.Dispose();
        }
        finally
        {
            _queues.EndStandstill(Rings);
        }
    }
}

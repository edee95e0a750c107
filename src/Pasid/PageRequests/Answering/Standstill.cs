namespace Pasid.Internal;

/// <summary>An operation during which nothing is answered and no unbind drains; see <see cref="RequestQueues.EnterStill"/>.</summary>
internal readonly ref struct Standstill(RequestQueues queues, Operation operation, RequestRing[] rings)
{
    public Operation Operation { get; } = operation;

    /// <summary>Gets the queues, in the order in which they were attached.</summary>
    public RequestRing[] Rings { get; } = rings;

    public void Dispose()
    {
        try
        {
            Operation.Dispose();
        }
        finally
        {
            queues.EndStandstill(Rings);
        }
    }
}

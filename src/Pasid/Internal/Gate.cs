namespace Pasid.Internal;

/// <summary>
/// The one kind of lock in the library. It is a Monitor on a plain object and not a <c>System.Threading.Lock</c>,
/// because systematic schedule exploration sees the former and is blind to the latter.
/// </summary>
internal readonly struct Gate
{
    private readonly object _monitor = new();

    public Gate()
    {
    }

    public bool IsHeldByCurrentThread => Monitor.IsEntered(_monitor);

    public void Enter() => Monitor.Enter(_monitor);

    public void Exit() => Monitor.Exit(_monitor);
}

namespace Pasid.Internal;

/// <summary>
/// Lets threads sleep until something changes: a thread reads <see cref="Now"/>, looks whether it has to wait, and waits for the
/// next change after the one that it read. Who changes something and finds nobody waiting pays two interlocked accesses.
/// </summary>
internal sealed class Signal
{
    private readonly object _monitor = new();
    private long _changes;
    private int _waiting;

    /// <summary>Gets which change was the last; read before the look.</summary>
    public long Now => Volatile.Read(ref _changes);

    /// <summary>Wakes all up who wait; called after the change.</summary>
    public void Raise()
    {
        Interlocked.Increment(ref _changes);
        if (Volatile.Read(ref _waiting) == 0)
        {
            // Whoever comes from now on sees the count, because both sides write their own before they read the other's.
            return;
        }

        using (Uninterruptible.Lock(_monitor))
        {
            Monitor.PulseAll(_monitor);
        }
    }

    /// <summary>Waits for a change after <paramref name="seen"/>, at most so many milliseconds, or a little more.</summary>
    public void Wait(long seen, int milliseconds = Timeout.Infinite)
    {
        bool wasInterrupted = false;
        long end = Environment.TickCount64 + milliseconds;
        int left = milliseconds;
        Interlocked.Increment(ref _waiting);
        using (Uninterruptible.Lock(_monitor))
        {
            while (Now == seen && left != 0)
            {
                try
                {
                    Monitor.Wait(_monitor, left);
                }
                catch (ThreadInterruptedException)
                {
                    wasInterrupted = true;
                }

                left = milliseconds == Timeout.Infinite ? milliseconds : (int)Math.Max(end - Environment.TickCount64, 0);
            }
        }

        Interlocked.Decrement(ref _waiting);
        Uninterruptible.Restore(wasInterrupted);
    }
}

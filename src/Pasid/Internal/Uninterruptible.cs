namespace Pasid.Internal;

/// <summary>
/// Waits that <see cref="Thread.Interrupt"/> does not end: an operation that has begun goes to its end. The thread is asked again
/// to wake up once the wait is over, so that its next one ends.
/// </summary>
internal static class Uninterruptible
{
    /// <summary>Spins once, which may come to give the processor away, and never to a long sleep.</summary>
    /// <inheritdoc cref="Sleep"/>
    public static void SpinOnce(ref SpinWait spinner, ref bool wasInterrupted)
    {
        try
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }
        catch (ThreadInterruptedException)
        {
            // To give the processor away is a sleep of no time, which ends so too.
            wasInterrupted = true;
        }
    }

    /// <summary>Sleeps for a millisecond.</summary>
    /// <param name="wasInterrupted">Set if the thread was asked to wake up; the caller has it asked again by <see cref="Restore"/>.</param>
    public static void Sleep(ref bool wasInterrupted)
    {
        try
        {
            Thread.Sleep(1);
        }
        catch (ThreadInterruptedException)
        {
            wasInterrupted = true;
        }
    }

    /// <summary>Enters a monitor.</summary>
    /// <inheritdoc cref="Sleep"/>
    public static void Enter(object monitor, ref bool wasInterrupted)
    {
        bool isEntered = false;
        while (!isEntered)
        {
            try
            {
                Monitor.Enter(monitor, ref isEntered);
            }
            catch (ThreadInterruptedException)
            {
                wasInterrupted = true;
            }
        }
    }

    /// <summary>Enters a monitor until what is returned is disposed.</summary>
    public static Held Lock(object monitor)
    {
        bool wasInterrupted = false;
        Enter(monitor, ref wasInterrupted);
        return new Held(monitor, wasInterrupted);
    }

    /// <summary>Has a thread asked again that was asked during a wait.</summary>
    public static void Restore(bool wasInterrupted)
    {
        if (wasInterrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    /// <summary>A monitor that is entered.</summary>
    internal readonly ref struct Held(object monitor, bool wasInterrupted)
    {
        public void Dispose()
        {
            Monitor.Exit(monitor);
            Restore(wasInterrupted);
        }
    }
}

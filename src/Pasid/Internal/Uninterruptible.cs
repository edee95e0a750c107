namespace Pasid.Internal;

/// <summary>
/// Waits that <see cref="Thread.Interrupt"/> does not end: an operation that has begun goes to its end. The thread is asked again
/// to wake up once the wait is over, so that its next one ends.
/// </summary>
internal static class Uninterruptible
{
    /// <summary>Spins once, which may come to give the processor away, and after so many times, -1 for never, to sleep for a millisecond.
    /// A thread that was asked to wake up is to be asked again, by <see cref="Restore"/>.</summary>
    public static void SpinOnce(ref SpinWait spinner, int spinsBeforeSleep, ref bool wasInterrupted)
    {
        try
        {
            spinner.SpinOnce(spinsBeforeSleep);
        }
        catch (ThreadInterruptedException)
        {
            // To give the processor away is a sleep of no time, which ends so too.
            wasInterrupted = true;
        }
    }

    /// <summary>Enters a monitor until what is returned is disposed.</summary>
    public static Held Lock(object monitor)
    {
        bool wasInterrupted = false;
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

    internal readonly ref struct Held(object monitor, bool wasInterrupted)
    {
        public void Dispose()
        {
            Monitor.Exit(monitor);
            Restore(wasInterrupted);
        }
    }
}

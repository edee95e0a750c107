using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// The one kind of lock in the library: a word that is taken with a compare-exchange and given back with a write.
/// </summary>
/// <remarks>
/// <para><see cref="Enter"/> guards work that neither calls out nor waits. <see cref="EnterAsOwner"/> guards work that
/// calls out: it knows its holder, so that a callback that comes back is caught, and who waits goes to sleep in the end. No
/// wait is interrupted: many gates are entered by operations that have begun and have to go to their end.</para>
/// <para>Chosen by measurement (<c>gates</c> of the benchmarks), two processors, sections as short as the allocator's.
/// Relative to this word, a section costs in SpinLock, <c>System.Threading.Lock</c> and Monitor: alone 1.8, 3.1 and 4
/// times as much; with two threads 2, 4 and 5 to 9 times; with four threads on the two processors, so that holders are
/// preempted, 1.3, 4 and 4 to 7 times. The p99.9 of this word is the lowest or next to it (0.2 to 0.7 us; Monitor 1.3 to
/// 3 us); the worst case is the time slice of a preempted holder in all of them (2 to 24 ms); the smallest share of a
/// thread is 22 to 25 % of four and 44 to 49 % of two.</para>
/// <para>Build with <c>-p:PasidMonitorGate=true</c> to have Monitors instead, for systematic schedule exploration, which
/// does not see a lock made by hand (nor <c>System.Threading.Lock</c>).</para>
/// </remarks>
internal struct Gate
{
#if PASID_MONITOR_GATE
    private readonly object _monitor = new();
#elif DEBUG
    /// <summary>The thread, so that one that never left is found out where a release would hang.</summary>
    private static int Anonymous => Environment.CurrentManagedThreadId;
#else
    private const int Anonymous = -1;
#endif

    /// <summary>0: free; the managed id of the holding thread, or <c>Anonymous</c>: held. With a Monitor, who came in by
    /// <see cref="EnterAsOwner"/>: Coyote cannot be asked <c>Monitor.IsEntered</c> of an object that nobody has entered yet.</summary>
    private int _holder;

    public Gate()
    {
    }

    /// <summary>Gets a value indicating whether this thread came in by <see cref="EnterAsOwner"/>. No other thread can
    /// write this one's id, so a plain read is enough.</summary>
    public readonly bool IsHeldByCurrentThread => _holder == Environment.CurrentManagedThreadId;

#if PASID_MONITOR_GATE
    public readonly void Enter() => Monitor.Enter(_monitor);

    public readonly bool TryEnter() => Monitor.TryEnter(_monitor);

    public void EnterAsOwner(string what)
    {
        if (IsHeldByCurrentThread)
        {
            Throw.CalledFromCallback(what);
        }

        Monitor.Enter(_monitor);
        _holder = Environment.CurrentManagedThreadId;
    }

    public void Leave()
    {
        _holder = 0;
        Monitor.Exit(_monitor);
    }
#else
    /// <summary>How often a thread that may sleep looks before it does: longer than any section that does not call out.</summary>
    private const int SpinsBeforeSleep = 40;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter()
    {
        if (Interlocked.CompareExchange(ref _holder, Anonymous, 0) != 0)
        {
            Wait(Anonymous, sleeps: false);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter() => Interlocked.CompareExchange(ref _holder, Anonymous, 0) == 0;

    /// <summary>Enters, knowing the holder.</summary>
    /// <param name="what">What the gate guards, for the message to a callback that comes back.</param>
    /// <exception cref="InvalidOperationException">This thread is inside already.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EnterAsOwner(string what)
    {
        int self = Environment.CurrentManagedThreadId;
        int holder = Interlocked.CompareExchange(ref _holder, self, 0);
        if (holder != 0)
        {
            WaitAsOwner(what, self, holder);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave() => Volatile.Write(ref _holder, 0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void WaitAsOwner(string what, int self, int holder)
    {
        if (holder == self)
        {
            Throw.CalledFromCallback(what);
        }

        Wait(self, sleeps: true);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Wait(int holder, bool sleeps)
    {
#if DEBUG
        if (_holder == holder)
        {
            throw new InvalidOperationException("This thread enters a gate that it has not left.");
        }
#endif
        SpinWait spinner = default;
        bool wasInterrupted = false;
        do
        {
            // Spins a little, then gives the processor away: the holder may have been preempted.
            Uninterruptible.SpinOnce(ref spinner, sleeps ? SpinsBeforeSleep : -1, ref wasInterrupted);
        }
        while (Volatile.Read(ref _holder) != 0 || Interlocked.CompareExchange(ref _holder, holder, 0) != 0);
        Uninterruptible.Restore(wasInterrupted);
    }
#endif

    /// <summary>Asserts that this thread is inside; of a Monitor, which knows its holder only after <see cref="EnterAsOwner"/>, no
    /// more than that it is there.</summary>
    [Conditional("DEBUG")]
    public readonly void AssertHeld() =>
#if PASID_MONITOR_GATE
        Debug.Assert(_monitor is not null, "A gate was never made.");
#else
        Debug.Assert(IsHeldByCurrentThread, "A gate that has to be held is not.");
#endif
}

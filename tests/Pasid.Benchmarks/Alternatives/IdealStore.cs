namespace Pasid.Benchmarks.Alternatives;

/// <summary>
/// What any locked design has to do for a free and an allocation, and nothing else: take the lock, clear a given slot,
/// give the lock back; the same with setting the slot. Its array is as large as the slots of the library (16 bytes an
/// id), so that both wait for the same caches. It cannot find an id: it is the floor, not a rival.
/// </summary>
internal sealed class IdealStore(int count)
{
    private readonly Slot[] _slots = new Slot[count];
    private int _gate;

    public void Pair(uint slot, object data)
    {
        Enter();
        _slots[slot].Data = null;
        Volatile.Write(ref _gate, 0);
        Enter();
        _slots[slot].Data = data;
        Volatile.Write(ref _gate, 0);
    }

    private void Enter()
    {
        while (Interlocked.CompareExchange(ref _gate, 1, 0) != 0)
        {
            Thread.SpinWait(1);
        }
    }

    private struct Slot
    {
        public object? Data;
#pragma warning disable CS0649 // As large as a slot of the library; nothing is kept in it.
        public ulong Word;
#pragma warning restore CS0649
    }
}

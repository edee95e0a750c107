using System.Numerics;

namespace Pasid.Internal;

/// <summary>The descriptors of a page request queue, and the registers over them. Guarded by the gate of the ring; who only looks at a
/// register needs none.</summary>
internal sealed class RequestRegisters(int capacity)
{
    /// <summary>The bits of the status register.</summary>
    public const int StatusPending = 1;

    /// <inheritdoc cref="StatusPending"/>
    public const int StatusOverflow = 2;

    private const int MaxCapacity = 1 << 20;
    private const int BytesOfDescriptor = 32;

    private readonly PageRequest[] _slots = new PageRequest[capacity is >= 2 and <= MaxCapacity && BitOperations.IsPow2(capacity)
        ? capacity
        : throw new ArgumentOutOfRangeException(nameof(capacity), capacity, $"A queue has a power of two of descriptors, 2 to {MaxCapacity}.")];

    private int _head;
    private int _tail;
    private volatile bool _isPending;
    private volatile bool _hasOverflowed;

    public int Capacity => _slots.Length;

    public int Head => Volatile.Read(ref _head);

    public int Tail => Volatile.Read(ref _tail);

    public bool IsPending => _isPending;

    public bool HasOverflowed => _hasOverflowed;

    public int Status => (_isPending ? StatusPending : 0) | (_hasOverflowed ? StatusOverflow : 0);

    /// <summary>Gets how many slots are occupied.</summary>
    public int Count => (_tail - _head) & Mask;

    private int Mask => _slots.Length - 1;

    /// <summary>Gets a slot, counted from the head.</summary>
    public ref readonly PageRequest this[int offset] => ref _slots[(_head + offset) & Mask];

    /// <summary>Gives the value of a register that counts bytes.</summary>
    public static ulong Bytes(int slot) => (ulong)slot * BytesOfDescriptor;

    /// <summary>Puts a request in, or loses it.</summary>
    public bool TryPut(in PageRequest request)
    {
        int next = (_tail + 1) & Mask;
        if (_hasOverflowed || next == _head)
        {
            _hasOverflowed = true;
            return false;
        }

        _slots[_tail] = request;
        Volatile.Write(ref _tail, next);
        _isPending = true;
        return true;
    }

    public void ClearPending() => _isPending = false;

    /// <summary>Writes the head, behind slots that are free from then on.</summary>
    public void MoveHead(int slots)
    {
        for (int i = 0; i < slots; i++)
        {
            _slots[(_head + i) & Mask] = default;
        }

        Volatile.Write(ref _head, (_head + slots) & Mask);
    }

    /// <summary>Clears the overflow.</summary>
    /// <param name="isForEmptyAlone">Whether it stays where something waits.</param>
    public bool TryClearOverflow(bool isForEmptyAlone)
    {
        if (isForEmptyAlone && _head != _tail)
        {
            return false;
        }

        _hasOverflowed = false;
        return true;
    }

    public PageRequest[] Copy()
    {
        var requests = new PageRequest[Count];
        for (int i = 0; i < requests.Length; i++)
        {
            requests[i] = this[i];
        }

        return requests;
    }

    /// <summary>Brings everything into another state, for which there is room.</summary>
    public void Replace(in RequestRingState state)
    {
        Array.Clear(_slots);
        int head = state.Head & Mask;
        for (int i = 0; i < state.Requests.Length; i++)
        {
            _slots[(head + i) & Mask] = state.Requests[i];
        }

        Volatile.Write(ref _head, head);
        Volatile.Write(ref _tail, (head + state.Requests.Length) & Mask);
        _isPending = state.IsPending;
        _hasOverflowed = state.HasOverflowed;
    }
}

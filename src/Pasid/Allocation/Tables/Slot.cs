namespace Pasid.Internal;

/// <summary>What is kept per id, in 16 bytes: the data, and one word with everything else (<see cref="SlotWord"/>).</summary>
internal struct Slot
{
    public object? Data;
    public ulong Word;
}

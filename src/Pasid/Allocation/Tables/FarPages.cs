namespace Pasid.Internal;

/// <summary>
/// The pages of the ids from 2^21 on, behind three levels of directories, so that a lone id there costs 6 KB of them; and
/// which pages, of all ids, are kept although none of their ids is taken. Readers take no lock; writers hold the gate of the table.
/// </summary>
/// <remarks>
/// A directory is taken out only when all that is in it was taken out before, and all of that when none of its ids was live.
/// It is not used again. So a reader that still holds one finds in it a page whose slots are dead, or none, and either was true
/// when the page was taken out, which was after the reader came to hold the directory: inside its own call.
/// </remarks>
internal sealed partial class FarPages
{
    /// <summary>How many pages are kept without taken ids, so that allocating and freeing at a border of pages, or in few
    /// ranges far apart in turn, does not make and drop one each time.</summary>
    public const int MostEmpty = 4;

    /// <summary>A middle directory goes together with a row of <see cref="FurtherIds"/>.</summary>
    public const int TopShift = IdBitmap.Shift + 7;

    /// <summary>A directory of the lowest level has the pages of one block of <see cref="FurtherIds"/>, so that both go together.</summary>
    private const int LowLength = 1 << (IdBitmap.Shift - SlotPages.PageShift);

    private const int MiddleLength = 128;
    private const int MiddleBytes = 24 + (8 * MiddleLength);
    private const int LowBytes = 24 + (8 * LowLength);

    private readonly uint[] _empty = new uint[MostEmpty];

    /// <summary>The directories by bits 31..25 of the id, then by bits 24..18, then by bits 17..9.</summary>
    private Slot[]?[]?[]?[]? _top;

    private int _emptyCount;

    public int Bytes { get; private set; } = 48 + 24 + (4 * MostEmpty);

    /// <summary>Gets the pages that are kept without taken ids, in the order in which they came to be. An id of one may have been
    /// taken since.</summary>
    public ReadOnlySpan<uint> Empty => _empty.AsSpan(0, _emptyCount);

    /// <summary>Finds the page of an id from 2^21 on; <see cref="SlotPages.NoPage"/> if there is none.</summary>
    public Slot[] Find(uint id)
    {
        Slot[]?[]?[]?[]? top = Volatile.Read(ref _top);
        Slot[]?[]?[]? middle = top is null ? null : Volatile.Read(ref top[id >> TopShift]);
        Slot[]?[]? low = middle is null ? null : Volatile.Read(ref middle[MiddleIndex(id)]);
        return (low is null ? null : Volatile.Read(ref low[LowIndex(id)])) ?? SlotPages.NoPage;
    }

    /// <summary>Puts a page into its place, and makes the directories on the way.</summary>
    public void Add(uint id, Slot[] page)
    {
        Slot[]?[]?[]?[]? top = _top;
        if (top is null)
        {
            top = new Slot[]?[]?[]?[1 << (32 - TopShift)];
            Volatile.Write(ref _top, top);
            Bytes += 24 + (8 * top.Length);
        }

        ref Slot[]?[]?[]? middle = ref top[id >> TopShift];
        if (middle is null)
        {
            Volatile.Write(ref middle, new Slot[]?[]?[MiddleLength]);
            Bytes += MiddleBytes;
        }

        ref Slot[]?[]? low = ref middle[MiddleIndex(id)];
        if (low is null)
        {
            Volatile.Write(ref low, new Slot[]?[LowLength]);
            Bytes += LowBytes;
        }

        Volatile.Write(ref low[LowIndex(id)], page);
    }

    public void Remove(uint id)
    {
        if (_top?[id >> TopShift]?[MiddleIndex(id)] is { } low)
        {
            Volatile.Write(ref low[LowIndex(id)], null);
        }
    }

    /// <summary>Takes the directory out of the pages of a block, all of which were taken out before; and the one above with the
    /// last of its directories.</summary>
    public void RemoveDirectory(uint id)
    {
        if (_top?[id >> TopShift] is not { } middle)
        {
            return;
        }

        ref Slot[]?[]? low = ref middle[MiddleIndex(id)];
        Bytes -= low is null ? 0 : LowBytes;
        Volatile.Write(ref low, null);
        if (IsUnused(middle))
        {
            Volatile.Write(ref _top[id >> TopShift], null);
            Bytes -= MiddleBytes;
        }
    }

    /// <summary>Notes that a page is kept without taken ids.</summary>
    public void AddEmpty(uint page) => _empty[_emptyCount++] = page;

    public uint TakeEmptyAt(int index)
    {
        uint page = _empty[index];
        Array.Copy(_empty, index + 1, _empty, index, --_emptyCount - index);
        return page;
    }

    public static bool IsUnused(object?[] directory) => Array.TrueForAll(directory, static item => item is null);

    public IEnumerable<(uint First, Slot[] Page)> Pages()
    {
        for (int i = 0; i < _top?.Length; i++)
        {
            for (int j = 0; j < _top[i]?.Length; j++)
            {
                for (int k = 0; k < _top[i]![j]?.Length; k++)
                {
                    if (_top[i]![j]![k] is { } page)
                    {
                        yield return (((uint)i << TopShift) + ((uint)j << IdBitmap.Shift) + ((uint)k << SlotPages.PageShift), page);
                    }
                }
            }
        }
    }

    /// <summary>Finds directories without anything in them, and a wrong count of their bytes.</summary>
    public void Check(List<TableDamage> damage)
    {
        int bytes = new FarPages().Bytes + (_top is null ? 0 : 24 + (8 * _top.Length));
        for (int i = 0; i < _top?.Length; i++)
        {
            if (_top[i] is not { } middle)
            {
                continue;
            }

            bytes += MiddleBytes;
            for (int j = 0; j < middle.Length; j++)
            {
                bytes += middle[j] is null ? 0 : LowBytes;
                if (middle[j] is { } low && IsUnused(low))
                {
                    damage.Add(new(TableRule.LiveIds, $"the ids from {((long)i << TopShift) + ((long)j << IdBitmap.Shift)} on have a directory and no records"));
                }
            }

            damage.AddIf(IsUnused(middle), TableRule.LiveIds, $"the ids from {(long)i << TopShift} on have a directory without directories");
        }

        damage.AddIf(bytes != Bytes, TableRule.LiveIds, $"the directories have {bytes} bytes and count {Bytes}");
    }

    private static int MiddleIndex(uint id) => (int)(id >> IdBitmap.Shift) & (MiddleLength - 1);

    private static int LowIndex(uint id) => (int)(id >> SlotPages.PageShift) & (LowLength - 1);
}

using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// The slots of the ids that were ever live, in pages of 512. Readers take no lock; writers hold the gate of the
/// <see cref="IoasidTable"/>.
/// </summary>
/// <remarks>
/// Pages and directories are replaced by larger copies, never changed in place otherwise. A reader that still holds an
/// older copy sees the slots as they were at the moment of the replacement, which lies inside its own call. A page that
/// was taken out is not used for other ids, so such a reader can only find slots that are dead.
/// </remarks>
internal struct SlotTable
{
    public const int PageShift = 9;
    private const int PageLength = 1 << PageShift;
    private const int LowPages = 1 << 12;
    private const int SmallestPage = 4;
    private const int HighShift = 21;

    /// <summary>Pages of the ids below 2^21, as far as they were needed.</summary>
    private Slot[]?[]? _lowPages;

    /// <summary>Page directories of the other ids, by bits 31..21; made when the first such id is allocated.</summary>
    private Slot[]?[]?[]? _highPages;

    /// <summary>Finds the slot of an id that has one; a null reference otherwise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ref Slot Find(uint id)
    {
        Slot[]?[]? pages = Volatile.Read(in _lowPages);
        uint pageIndex = id >> PageShift;
        if (pages is null || pageIndex >= (uint)pages.Length)
        {
            if (_highPages is null || id >> HighShift == 0)
            {
                return ref Unsafe.NullRef<Slot>();
            }

            pages = Volatile.Read(in _highPages[id >> HighShift]);
            pageIndex &= LowPages - 1;
            if (pages is null)
            {
                return ref Unsafe.NullRef<Slot>();
            }
        }

        Slot[]? page = Volatile.Read(ref pages[pageIndex]);
        uint index = id & (PageLength - 1);
        if (page is null || index >= (uint)page.Length)
        {
            return ref Unsafe.NullRef<Slot>();
        }

        return ref page[index];
    }

    /// <summary>Finds the slot of an id and makes it if there is none.</summary>
    public ref Slot Ensure(uint id)
    {
        ref Slot slot = ref Find(id);
        if (Unsafe.IsNullRef(ref slot))
        {
            Grow(id);
            slot = ref Find(id);
        }

        return ref slot;
    }

    /// <summary>Gives the page of <paramref name="id"/> back. All its ids are free, and readers may still hold it.</summary>
    public readonly void RemovePage(uint id)
    {
        Slot[]?[] pages = id >> HighShift == 0 ? _lowPages! : _highPages![id >> HighShift]!;
        Volatile.Write(ref pages[(id >> PageShift) & (LowPages - 1)], null);
    }

    private void Grow(uint id)
    {
        int pageIndex = (int)(id >> PageShift) & (LowPages - 1);
        Slot[]?[] pages;
        if (id >> HighShift == 0)
        {
            if (_lowPages is null || pageIndex >= _lowPages.Length)
            {
                var larger = new Slot[]?[LargerLength(_lowPages?.Length ?? 1, pageIndex + 1, LowPages)];
                _lowPages?.CopyTo(larger, 0);
                Volatile.Write(ref _lowPages, larger);
            }

            pages = _lowPages;
        }
        else
        {
            if (_highPages is null)
            {
                Volatile.Write(ref _highPages, new Slot[]?[]?[1 << (32 - HighShift)]);
            }

            if (_highPages[id >> HighShift] is null)
            {
                Volatile.Write(ref _highPages[id >> HighShift], new Slot[]?[LowPages]);
            }

            pages = _highPages[id >> HighShift]!;
        }

        Slot[]? page = pages[pageIndex];
        int length = pageIndex == 0 ? LargerLength(page?.Length ?? SmallestPage, (int)(id & (PageLength - 1)) + 1, PageLength) : PageLength;
        var copy = new Slot[length];
        page?.CopyTo(copy, 0);
        Volatile.Write(ref pages[pageIndex], copy);
    }

    private static int LargerLength(int length, int needed, int limit)
    {
        while (length < needed)
        {
            length *= limit == PageLength ? 4 : 2;
        }

        return Math.Min(length, limit);
    }
}

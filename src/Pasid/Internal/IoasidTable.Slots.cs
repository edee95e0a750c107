using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>
/// The slots of the ids that were ever live, in pages of 512. Pages and directories are replaced by larger copies, never
/// changed in place otherwise: a reader that still holds an older copy sees the slots as they were at the moment of the
/// replacement, which lies inside its own call. A page that was taken out is not used for other ids, so such a reader
/// can only find slots in it that are dead.
/// </content>
internal sealed partial class IoasidTable
{
    public const int PageLength = 1 << PageShift;
    private const int PageShift = 9;

    /// <summary>How many pages a directory has at most: those of 2^21 ids.</summary>
    private const int DirectoryLength = 1 << (HighShift - PageShift);

    private const int HighShift = 21;

    /// <summary>Stands where there is no page, so that a lookup asks for the length alone.</summary>
    private static readonly Slot[] s_noPage = [];

    /// <summary>Finds the slot of an id that has one; a null reference otherwise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Slot FindSlot(uint id)
    {
        Slot[] page = id >> HighShift == 0 ? FindLowPage(id) : FindHighPage(id);
        uint index = id & (PageLength - 1);
        if (index >= (uint)page.Length)
        {
            return ref Unsafe.NullRef<Slot>();
        }

        return ref page[index];
    }

    /// <summary>Finds the page of an id below 2^21, which may be too short for it; for others a page without slots.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Slot[] FindLowPage(uint id)
    {
        // One branch that goes the same way every time, and not one that asks which page the id lies in.
        Slot[][]? pages = Volatile.Read(ref _lowPages);
        if (pages is null)
        {
            return id < PageLength ? Volatile.Read(ref _firstPage) : s_noPage;
        }

        uint pageIndex = id >> PageShift;
        return pageIndex < (uint)pages.Length ? Volatile.Read(ref pages[pageIndex]) : s_noPage;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Slot[] FindHighPage(uint id)
    {
        Slot[][]?[]? directories = Volatile.Read(ref _highPages);
        if (directories is null)
        {
            return s_noPage;
        }

        Slot[][]? pages = Volatile.Read(ref directories[id >> HighShift]);
        return pages is null ? s_noPage : Volatile.Read(ref pages[IndexInDirectory(id)]);
    }

    private static int IndexInDirectory(uint id) => (int)(id >> PageShift) & (DirectoryLength - 1);

    private void EnsureSlot(uint id)
    {
        if (!Unsafe.IsNullRef(ref FindSlot(id)))
        {
            return;
        }

        if (id >= PageLength)
        {
            Volatile.Write(ref EnsurePages(id)[IndexInDirectory(id)], new Slot[PageLength]);
            return;
        }

        var page = new Slot[FirstPageLength(id)];
        _firstPage.CopyTo(page, 0);
        Volatile.Write(ref _firstPage, page);
        if (_lowPages is not null)
        {
            Volatile.Write(ref _lowPages[0], page);
        }
    }

    private Slot[][] EnsurePages(uint id)
    {
        if (id >> HighShift != 0)
        {
            Slot[][]?[] directories = _highPages ?? new Slot[][]?[1 << (32 - HighShift)];
            Volatile.Write(ref _highPages, directories);
            ref Slot[][]? pages = ref directories[id >> HighShift];
            if (pages is null)
            {
                Volatile.Write(ref pages, NewDirectory(DirectoryLength));
            }

            return pages;
        }

        int index = IndexInDirectory(id);
        if (_lowPages is null || index >= _lowPages.Length)
        {
            Slot[][] larger = NewDirectory(LargerLength(_lowPages?.Length ?? 2, index + 1, DirectoryLength));
            _lowPages?.CopyTo(larger, 0);
            larger[0] = _firstPage;
            Volatile.Write(ref _lowPages, larger);
        }

        return _lowPages;
    }

    /// <summary>Gives the page that was empty before this one back, and keeps this one. The first page is small and stays.</summary>
    private void RetirePage(uint page)
    {
        if (!IsPageFree(page << PageShift))
        {
            return;
        }

        if (_retainedPage != 0 && _retainedPage != page && IsPageFree(_retainedPage << PageShift))
        {
            uint first = _retainedPage << PageShift;
            Slot[][] pages = first >> HighShift == 0 ? _lowPages! : _highPages![first >> HighShift]!;
            Volatile.Write(ref pages[IndexInDirectory(first)], s_noPage);
        }

        _retainedPage = page;
    }

    private static Slot[][] NewDirectory(int length)
    {
        var pages = new Slot[length][];
        Array.Fill(pages, s_noPage);
        return pages;
    }

    /// <summary>How long the first page becomes for an id: small for the first id and for the first eight, which begin at 1.
    /// It passes <see cref="SmallLength"/> only together with the bitmap.</summary>
    private static int FirstPageLength(uint id) => id switch
    {
        < 2 => 2,
        < 10 => 10,
        < SmallLength => SmallLength,
        < 256 => 256,
        _ => PageLength,
    };

    private static int LargerLength(int length, int needed, int limit)
    {
        while (length < needed)
        {
            length *= 2;
        }

        return Math.Min(length, limit);
    }
}

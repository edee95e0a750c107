using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pasid.Internal;

/// <content>
/// The slots of the ids that were ever live. The ids below 2,048 share one page, which grows, until a higher id comes; from
/// then on a directory leads to pages of 512. Pages and directories are replaced by copies. The words of a page that was
/// replaced are marked once its copy is published, and before anything else changes: a reader that still holds it looks again,
/// or else it would compare the owners of then with those of now. A page that was taken out without a copy is not used for
/// other ids, so a reader that still holds it can only find slots in it that are dead.
/// </content>
internal sealed partial class IoasidTable
{
    public const int PageShift = 9;
    public const int PageLength = 1 << PageShift;

    /// <summary>How many ids are served without a directory: 32 KB, what a first-level cache holds.</summary>
    private const int FirstPageMaxLength = 4 * PageLength;

    /// <summary>How many pages the low directory has at most: those of 2^21 ids.</summary>
    private const int DirectoryLength = 1 << (HighShift - PageShift);

    private const int HighShift = 21;

    /// <summary>Stands where there is no first page.</summary>
    private static readonly Slot[] s_noFirstPage = [];

    /// <summary>Stands in directories where there is no page. As long as any, so that nobody asks a page how long it is: that
    /// would touch one cache line more for each page. Nothing is ever written to it.</summary>
    private static readonly Slot[] s_noPage = NewNoPage();

    /// <summary>Gets what stands in directories where there is no page.</summary>
    public static Slot[] NoPage => s_noPage;

    /// <summary>Finds the slot of an id that has one; a null reference otherwise.</summary>
    private ref Slot FindSlot(uint id)
    {
        ref Slot slot = ref FindLowSlot(id);
        if (Volatile.Read(ref slot.Word) != SlotWord.NoSlot)
        {
            return ref slot;
        }

        if (id >> HighShift != 0)
        {
            return ref FindHighSlot(id);
        }

        return ref Unsafe.NullRef<Slot>();
    }

    /// <summary>Finds the slot of an id below 2^21; where there is none, and for other ids, one with the word
    /// <see cref="SlotWord.NoSlot"/>, which must not be written to.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref Slot FindLowSlot(uint id)
    {
        // One branch that goes the same way every time, and not one that asks which page the id lies in.
        Slot[][]? pages = Volatile.Read(ref _lowPages);
        if (pages is null)
        {
            Slot[] page = Volatile.Read(ref _firstPage);
            if (id < (uint)page.Length)
            {
                return ref page[id];
            }
        }
        else
        {
            uint pageIndex = id >> PageShift;
            if (pageIndex < (uint)pages.Length)
            {
                // Never null; asked because the runtime would else find out by a read at the begin of the page, which is
                // in another cache line than the slot.
                Slot[]? page = Volatile.Read(ref pages[pageIndex]);
                if (page is not null)
                {
                    return ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(page), id & (PageLength - 1));
                }
            }
        }

        return ref MemoryMarshal.GetArrayDataReference(s_noPage);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ref Slot FindHighSlot(uint id)
    {
        Slot[] page = Volatile.Read(ref _farPages)?.Find(id) ?? s_noPage;
        if (ReferenceEquals(page, s_noPage))
        {
            return ref Unsafe.NullRef<Slot>();
        }

        return ref page[id & (PageLength - 1)];
    }

    private static Slot[][] NewDirectory(int length)
    {
        var pages = new Slot[length][];
        Array.Fill(pages, s_noPage);
        return pages;
    }

    private static Slot[] NewNoPage()
    {
        Slot[] page = NewPage();
        Array.Fill(page, new Slot { Word = SlotWord.NoSlot });
        return page;
    }

    private static int IndexInDirectory(uint id) => (int)(id >> PageShift) & (DirectoryLength - 1);

    /// <summary>Tells whether an id has no slot, and gets one only with a new page of 512.</summary>
    private bool LacksPage(uint id) =>
        (id >= FirstPageMaxLength || _lowPages is not null) && Unsafe.IsNullRef(ref FindSlot(id));

    /// <summary>Makes a slot for an id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="prepared">A page of 512 to use if one is needed; <see langword="null"/> to make it here.</param>
    private void EnsureSlot(uint id, Slot[]? prepared)
    {
        if (!Unsafe.IsNullRef(ref FindSlot(id)))
        {
            return;
        }

        if (id >= FirstPageMaxLength || _lowPages is not null)
        {
            AddPage(id, prepared ?? NewPage());
            return;
        }

        Slot[] smaller = _firstPage;
        var page = new Slot[FirstPageLength(id)];
        smaller.CopyTo(page, 0);
        Volatile.Write(ref _firstPage, page);
        MarkMoved(smaller);
    }

    /// <summary>Tells readers that still hold a page that its slots are elsewhere.</summary>
    private static void MarkMoved(Slot[] page)
    {
        for (int i = 0; i < page.Length && !Planted.Is(PlantedFault.ReplacedPagesStay); i++)
        {
            Volatile.Write(ref page[i].Word, SlotWord.Moved);
        }
    }

    private void AddPage(uint id, Slot[] page)
    {
        if (_farPages is null)
        {
            Volatile.Write(ref _farPages, new FarPages());
        }

        if (id >> HighShift != 0)
        {
            _farPages.Add(id, page);
            return;
        }

        Volatile.Write(ref EnsureLowPages(id)[IndexInDirectory(id)], page);
    }

    private Slot[][] EnsureLowPages(uint id)
    {
        int index = IndexInDirectory(id);
        if (_lowPages is null)
        {
            Slot[] firstPage = _firstPage;
            Slot[][] pages = NewDirectory(LargerLength(FirstPageMaxLength / PageLength * 2, index + 1, DirectoryLength));
            SplitFirstPage(pages);
            Volatile.Write(ref _lowPages, pages);

            // A reader that saw no directory before and finds no first page now looks again. If there is no directory again
            // by then, and no first page after that, the table was reset meanwhile: no id was live then, and that is the answer.
            Volatile.Write(ref _firstPage, s_noFirstPage);
            MarkMoved(firstPage);
        }
        else if (index >= _lowPages.Length)
        {
            Slot[][] larger = NewDirectory(LargerLength(_lowPages.Length, index + 1, DirectoryLength));
            _lowPages.CopyTo(larger, 0);
            Volatile.Write(ref _lowPages, larger);
        }

        return _lowPages;
    }

    /// <summary>Copies those pages of the first page that have a taken id; nobody would give the others back.</summary>
    private void SplitFirstPage(Slot[][] pages)
    {
        for (int first = 0; first < _firstPage.Length; first += PageLength)
        {
            if (!IsPageFree((uint)first))
            {
                pages[first >> PageShift] = NewPage();
                _firstPage.AsSpan(first, Math.Min(PageLength, _firstPage.Length - first)).CopyTo(pages[first >> PageShift]);
            }
        }
    }

    /// <summary>How long the first page becomes for an id: small for the first id and for the first eight, which begin at 1.
    /// It passes <see cref="SmallLength"/> only together with the bitmap.</summary>
    private static int FirstPageLength(uint id) => id switch
    {
        < 2 => 2,
        < 10 => 10,
        < SmallLength => SmallLength,
        < 256 => 256,
        < PageLength => PageLength,
        < 2 * PageLength => 2 * PageLength,
        _ => FirstPageMaxLength,
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

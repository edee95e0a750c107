using System.Collections.Immutable;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pasid.Internal;

/// <summary>
/// The slots of the ids that were ever live. The ids below 2,048 share one page, which grows, until a higher id comes; from
/// then on a directory leads to pages of 512. Pages and directories are replaced by copies. The words of a page that was
/// replaced are marked once its copy is published, and before anything else changes: a reader that still holds it looks again,
/// or else it would compare the owners of then with those of now. A page that was taken out without a copy is not used for
/// other ids, so a reader that still holds it can only find slots in it that are dead. Readers take no lock; writers hold the
/// gate of the table.
/// </summary>
/// <remarks>What the fast ways ask is static and given the table: the address of a part, kept in a register beside that of the
/// table, made them 5 to 8 % slower. For the same reason a word of a part is not changed by a compound assignment.</remarks>
internal partial struct SlotPages
{
    public const int PageShift = 9;
    public const int PageLength = 1 << PageShift;
    public const int PageBytes = 24 + (16 * PageLength);

    /// <summary>How many ids are served without a directory: 32 KB, what a first-level cache holds.</summary>
    private const int FirstPageMaxLength = 4 * PageLength;

    /// <summary>From 2^21 on ids are not in the low directory.</summary>
    private const int HighShift = 21;

    private static readonly Slot[] s_noFirstPage = [];

    /// <summary>Stands in directories where there is no page. As long as any, so that nobody asks a page how long it is: that
    /// would touch one cache line more for each page. Nothing is ever written to it.</summary>
    private static readonly ImmutableArray<Slot> s_noPage = [.. Enumerable.Repeat(new Slot { Word = SlotWord.NoSlot }, PageLength)];

    /// <summary>The pages of all other ids, and which pages are kept though empty; none while the first page is enough. Before the
    /// others, which every lookup reads.</summary>
    private FarPages? _farPages;

    /// <summary>The page of the ids below 2,048, as long as there is no directory.</summary>
    private Slot[] _firstPage = s_noFirstPage;

    /// <summary>The directory: the pages of the ids below 2^21, as far as they were needed; none while the first page is enough.</summary>
    private Slot[][]? _lowPages;

    public SlotPages()
    {
    }

    /// <remarks>Inlined: a call, though hardly ever made, would have each lookup save registers for it.</remarks>
    public static Slot[] NoPage
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ImmutableCollectionsMarshal.AsArray(s_noPage)!;
    }

    public bool HasDirectory => Volatile.Read(ref _lowPages) is not null;

    public readonly long Bytes =>
        24 + (16L * _firstPage.Length)
        + (_lowPages is null ? 0 : 24 + (8 * _lowPages.Length))
        + (_farPages is null ? 0 : _farPages.Bytes + (PageBytes * _farPages.Empty.Length));

    public static Slot[] NewPage() => new Slot[PageLength];

    /// <summary>Finds the slot of an id; where there is none, one with the word <see cref="SlotWord.NoSlot"/>, which must not be
    /// written to.</summary>
    public static ref Slot Find(IoasidTable table, uint id)
    {
        if (id >> HighShift != 0)
        {
            return ref table.Pages.FindHigh(id);
        }

        return ref FindLow(table, id);
    }

    /// <summary>Finds the slot of an id below 2^21; for other ids what <see cref="Find"/> answers where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ref Slot FindLow(IoasidTable table, uint id)
    {
        // One branch that goes the same way every time, and not one that asks which page the id lies in.
        Slot[][]? pages = Volatile.Read(ref table.Pages._lowPages);
        if (pages is null)
        {
            Slot[] page = Volatile.Read(ref table.Pages._firstPage);
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

        return ref MemoryMarshal.GetArrayDataReference(NoPage);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ref Slot FindHigh(uint id) => ref (Volatile.Read(ref _farPages)?.Find(id) ?? NoPage)[id & (PageLength - 1)];

    /// <summary>Tells whether an id has no slot, and gets one only with a new page of 512.</summary>
    public static bool LacksPage(IoasidTable table, uint id) =>
        (id >= FirstPageMaxLength || table.Pages._lowPages is not null) && Find(table, id).Word == SlotWord.NoSlot;

    /// <summary>Makes a slot for an id that has none, and a word in the map.</summary>
    public void Add(uint id, Slot[]? prepared, ref IdMap ids)
    {
        if (id >= FirstPageMaxLength || _lowPages is not null)
        {
            AddPage(id, prepared ?? NewPage(), ref ids);
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

    private void AddPage(uint id, Slot[] page, ref IdMap ids)
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

        uint index = id >> PageShift;
        Volatile.Write(ref EnsureLowPages(index, ref ids)[index], page);
    }

    private Slot[][] EnsureLowPages(uint index, ref IdMap ids)
    {
        if (index < (_lowPages?.Length ?? 0))
        {
            return _lowPages!;
        }

        var pages = new Slot[Math.Max(FirstPageMaxLength / PageLength * 2, BitOperations.RoundUpToPowerOf2(index + 1))][];
        Array.Fill(pages, NoPage);
        if (_lowPages is null)
        {
            Slot[] firstPage = _firstPage;
            SplitFirstPage(pages, ref ids);
            Volatile.Write(ref _lowPages, pages);

            // A reader that saw no directory before and finds no first page now looks again. If there is no directory again
            // by then, and no first page after that, the table was reset meanwhile: no id was live then, and that is the answer.
            Volatile.Write(ref _firstPage, s_noFirstPage);
            MarkMoved(firstPage);
        }
        else
        {
            _lowPages.CopyTo(pages, 0);
            Volatile.Write(ref _lowPages, pages);
        }

        return pages;
    }

    /// <summary>Copies those pages of the first page that have a taken id; nobody would give the others back.</summary>
    private readonly void SplitFirstPage(Slot[][] pages, ref IdMap ids)
    {
        for (int first = 0; first < _firstPage.Length; first += PageLength)
        {
            if (!ids.IsPageFree((uint)first))
            {
                pages[first >> PageShift] = NewPage();
                _firstPage.AsSpan(first, Math.Min(PageLength, _firstPage.Length - first)).CopyTo(pages[first >> PageShift]);
            }
        }
    }

    /// <summary>How long the first page becomes for an id: small for the first id and for the first eight, which begin at 1.
    /// It passes <see cref="IdMap.SmallLength"/> only together with the bitmap.</summary>
    private static int FirstPageLength(uint id) => id switch
    {
        < 2 => 2,
        < 10 => 10,
        < IdMap.SmallLength => IdMap.SmallLength,
        < 256 => 256,
        < PageLength => PageLength,
        < 2 * PageLength => 2 * PageLength,
        _ => FirstPageMaxLength,
    };
}

namespace Pasid.Internal;

/// <content>
/// What is given back. A page goes when none of its ids is taken, except the few that came to be empty last; a block of
/// <see cref="FurtherIds"/> and its directory go with the last page.
/// </content>
internal partial struct SlotPages
{
    /// <summary>Keeps a page if none of its ids is taken, and gives back what is kept too long. Nothing here makes anything that
    /// a free could fail for.</summary>
    /// <returns>Whether none is taken.</returns>
    public bool Retire(uint page, ref IdMap ids)
    {
        bool isFree = ids.IsPageFree(page << PageShift);

        // A first page without directory stays whole, unless the table begins anew.
        bool isFirst = _lowPages is null && page < FirstPageMaxLength / PageLength;
        if (isFree && !isFirst && _farPages is { } farPages && !farPages.Empty.Contains(page))
        {
            KeepEmpty(farPages, page, ref ids);
        }

        return isFree;
    }

    /// <summary>Gives back the page that came to be empty first, unless it is the only one.</summary>
    public bool TryDropEmpty(ref IdMap ids)
    {
        if (_farPages is not { Empty.Length: > 1 } farPages)
        {
            return false;
        }

        DropPage(farPages.TakeEmptyAt(0), ref ids);
        return true;
    }

    /// <summary>Gives all of it back; no id is taken.</summary>
    /// <remarks>
    /// A reader may hold any of what goes, and finds dead slots there or none: no id was live when it went, which was inside
    /// the reader's call. The pages are not used again, and so are not marked: there is no copy to look for. There is either a
    /// first page or a directory, so a reader between the two writes finds what it would find before or after both.
    /// </remarks>
    public void Reset()
    {
        Volatile.Write(ref _firstPage, s_noFirstPage);
        Volatile.Write(ref _lowPages, null);
        Volatile.Write(ref _farPages, null);
    }

    private void KeepEmpty(FarPages farPages, uint page, ref IdMap ids)
    {
        if (farPages.Empty.Length < FarPages.MostEmpty)
        {
            farPages.AddEmpty(page);
            return;
        }

        // Noted before the other one goes, or else a block that both are in would go from under it.
        uint dropped = farPages.TakeEmptyAt(FindLeastNeeded(farPages.Empty, ref ids));
        farPages.AddEmpty(page);
        DropPage(dropped, ref ids);
    }

    /// <summary>Finds a page that is in use again, which needs no note; or else the one that came to be empty first.</summary>
    private static int FindLeastNeeded(ReadOnlySpan<uint> pages, ref IdMap ids)
    {
        for (int i = 0; i < pages.Length; i++)
        {
            if (!ids.IsPageFree(pages[i] << PageShift))
            {
                return i;
            }
        }

        return 0;
    }

    /// <summary>Takes a page out, of which there is no note any more, if none of its ids is taken; and all that goes with it.</summary>
    private readonly void DropPage(uint page, ref IdMap ids)
    {
        uint first = page << PageShift;
        if (!ids.IsPageFree(first))
        {
            return;
        }

        bool isHigh = first >> HighShift != 0;
        if (isHigh)
        {
            _farPages!.Remove(first);
        }
        else if (_lowPages is { } pages && page < (uint)pages.Length)
        {
            Volatile.Write(ref pages[page], NoPage);
        }

        if (first < IdMap.FirstFurther || ids.Further is not { } furtherIds)
        {
            return;
        }

        // Words of pages that are kept have to stay: an id that has a slot has them too.
        uint firstKept = uint.MaxValue;
        uint lastKept = 0;
        foreach (uint kept in _farPages!.Empty)
        {
            if (kept >> (IdBitmap.Shift - PageShift) == page >> (IdBitmap.Shift - PageShift))
            {
                firstKept = Math.Min(firstKept, kept);
                lastKept = Math.Max(lastKept, kept);
            }
        }

        if (furtherIds.Fit(first, firstKept, lastKept) && isHigh)
        {
            _farPages.RemoveDirectory(first);
        }
    }

    /// <summary>Checks that each taken id has a record and each record a word in the map, and that nothing is kept for ids that
    /// are not taken beyond what may be.</summary>
    public static void Check(IoasidTable table, List<TableDamage> damage)
    {
        ref IdMap ids = ref table.Ids;
        ref SlotPages pages = ref table.Pages;
        HashSet<uint> empty = [.. pages._farPages is null ? [] : pages._farPages.Empty.ToArray()];
        HashSet<uint> blocks = [.. empty.Select(page => page >> (IdBitmap.Shift - PageShift))];
        foreach ((uint first, Slot[] _) in pages.All())
        {
            blocks.Add(first >> IdBitmap.Shift);
            if (pages._lowPages is null && first == 0)
            {
                continue;
            }

            if (!ids.Covers(first))
            {
                damage.Add(new(TableRule.LiveIds, $"the ids from {first} on have records and no words in the map"));
            }
            else if (ids.IsPageFree(first) && !empty.Contains(first >> PageShift))
            {
                damage.Add(new(TableRule.LiveIds, $"the ids from {first} on have records, and none of them is live"));
            }
        }

        for (long id = ids.FindTaken(0); id >= 0; id = ids.FindTaken((uint)id + 1))
        {
            if (Find(table, (uint)id).Word == SlotWord.NoSlot)
            {
                damage.Add(new(TableRule.LiveIds, $"id {id} is live in the map and has no record"));
            }
        }

        ids.Further?.Check(damage, blocks);
        pages._farPages?.Check(damage);
    }

    public readonly IEnumerable<(uint First, Slot[] Page)> All()
    {
        if (_lowPages is null)
        {
            yield return (0, _firstPage);
        }

        for (int i = 0; i < _lowPages?.Length; i++)
        {
            if (!ReferenceEquals(_lowPages[i], NoPage))
            {
                yield return ((uint)i << PageShift, _lowPages[i]);
            }
        }

        foreach ((uint First, Slot[] Page) page in _farPages?.Pages() ?? [])
        {
            yield return page;
        }
    }
}

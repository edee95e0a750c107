namespace Pasid.Internal;

/// <content>
/// What is given back. A page goes when none of its ids is taken, except the few that came to be empty last; a block of
/// <see cref="FurtherIds"/> and its directory go with the last page. When no id at all is taken and more than
/// <see cref="MostKeptBytes"/> is there, the table begins anew; with less it keeps what it has, so that lone ids that come and
/// go anywhere make nothing.
/// </content>
internal sealed partial class IoasidTable
{
    /// <summary>How much memory is kept without a taken id: with the allocator around it below 64 KB.</summary>
    private const int MostKeptBytes = 63 * 1024;

    private const int PageBytes = 24 + (16 * PageLength);

    /// <summary>Gets a value indicating whether no id is live or held back.</summary>
    private bool IsEmpty => _allocations == _frees && _reuse is not { Count: > 0 };

    /// <summary>Gets how many bytes are there, about, if no id is taken.</summary>
    private long KeptBytes =>
        24 + (16L * _firstPage.Length)
        + (_lowPages is null ? 0 : 24 + (8 * _lowPages.Length))
        + (_leaves is null ? 0 : 24 + (8 * _leaves.Length))
        + (_middles is null ? 0 : 24 + (8 * _middles.Length))
        + (_furtherIds?.Bytes ?? 0)
        + (_farPages is null ? 0 : _farPages.Bytes + (PageBytes * _farPages.Empty.Length))
        + (_otherOwners?.Bytes ?? 0)
        + (_manyReferences is null ? 0 : 80 + (28L * _manyReferences.EnsureCapacity(0)));

    /// <summary>Keeps a page if none of its ids is taken, and gives back what is kept too long or too much. Nothing here makes
    /// anything that a free could fail for.</summary>
    private void RetirePage(uint page)
    {
        if (_leaves is null || !IsPageFree(page << PageShift))
        {
            return;
        }

        // A first page without directory stays whole, unless the table begins anew.
        bool isFirst = _lowPages is null && page < FirstPageMaxLength / PageLength;
        if (!isFirst && _farPages is { } farPages && !farPages.Empty.Contains(page))
        {
            KeepEmpty(farPages, page);
        }

        if (_hasGrown && IsEmpty)
        {
            ShrinkEmpty();
        }
    }

    private void KeepEmpty(FarPages farPages, uint page)
    {
        if (farPages.Empty.Length < FarPages.MostEmpty)
        {
            farPages.AddEmpty(page);
            return;
        }

        // Noted before the other one goes, or else a block that both are in would go from under it.
        uint dropped = farPages.TakeEmptyAt(FindLeastNeeded(farPages.Empty));
        farPages.AddEmpty(page);
        DropPage(dropped);
    }

    /// <summary>Finds a page that is in use again, which needs no note; or else the one that came to be empty first.</summary>
    private int FindLeastNeeded(ReadOnlySpan<uint> pages)
    {
        for (int i = 0; i < pages.Length; i++)
        {
            if (!IsPageFree(pages[i] << PageShift))
            {
                return i;
            }
        }

        return 0;
    }

    /// <summary>Takes a page out, of which there is no note any more, if none of its ids is taken; and all that goes with it.</summary>
    private void DropPage(uint page)
    {
        uint first = page << PageShift;
        if (!IsPageFree(first))
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
            Volatile.Write(ref pages[page], s_noPage);
        }

        if (first < FirstFurther || _furtherIds is null)
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

        if (_furtherIds.Fit(first, firstKept, lastKept) && isHigh)
        {
            _farPages.RemoveDirectory(first);
        }
    }

    /// <summary>Gives back what an empty table has beyond what it may keep.</summary>
    private void ShrinkEmpty()
    {
        long kept = KeptBytes;
        while (kept > MostKeptBytes && _farPages is { Empty.Length: > 1 } farPages)
        {
            DropPage(farPages.TakeEmptyAt(0));
            kept = KeptBytes;
        }

        if (kept > MostKeptBytes)
        {
            Reset();
        }

        _hasGrown = false;
    }

    /// <summary>Brings the table, in which no id is taken, into the form in which it began; only the counts and the first owner
    /// stay.</summary>
    /// <remarks>
    /// A reader may hold any of what goes, and finds dead slots there or none: no id was live when it went, which was inside
    /// the reader's call. The pages are not used again, and so are not marked: there is no copy to look for. There is either a
    /// first page or a directory, so a reader between the two writes finds what it would find before or after both. The
    /// owners go after the last life that they had a part in.
    /// </remarks>
    private void Reset()
    {
        Volatile.Write(ref _firstPage, s_noFirstPage);
        Volatile.Write(ref _lowPages, null);
        Volatile.Write(ref _farPages, null);
        Volatile.Write(ref _otherOwners, null);
        _manyReferences = null;
        _furtherIds = null;
        _leaves = null;
        _middles = null;
        _firstMiddle = 0;
        _root = ulong.MaxValue;
    }
}

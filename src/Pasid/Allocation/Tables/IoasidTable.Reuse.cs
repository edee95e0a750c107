namespace Pasid.Internal;

/// <content>
/// What becomes of ids whose life is over. One that a policy holds back is dead in its slot and taken in the map, so that no search
/// gives it. When no id at all is taken and more than <see cref="MostKeptBytes"/> is there, the table begins anew; with
/// less it keeps what it has, so that lone ids that come and go anywhere make nothing.
/// </content>
internal sealed partial class IoasidTable
{
    /// <summary>How much memory is kept without a taken id: with the allocator around it below 64 KB.</summary>
    public const int MostKeptBytes = 63 * 1024;

    public bool IsEmpty => Counts.Live == 0 && Choice.HeldCount == 0;

    public long KeptBytes => Pages.Bytes + Ids.Bytes + Owners.Bytes + References.Bytes;

    /// <summary>Brings the policy's memory of a new table into a given state.</summary>
    public void RestoreReuse(uint next, IReadOnlyList<uint> held)
    {
        if (Choice.Reuse is not { } reuse)
        {
            return;
        }

        reuse.Next = next;
        foreach (uint id in held)
        {
            Counts.HasGrown = true;
            reuse.Reserve();
            Ids.Reserve(id);
            EnsureSlot(id, prepared: null);
            IdMap.MarkTaken(this, id);
            reuse.Hold(id);
        }
    }

    /// <summary>Lets the oldest id of a range go that is held back, if the policy does so and there is room for the owner.</summary>
    /// <returns>The id, which is free now; or -1.</returns>
    private long ReleaseOldest(IoasidRange range, IoasidSet? owner)
    {
        if (Choice.Reuse is not { ReleasesOldest: true } reuse)
        {
            return -1;
        }

        int index = reuse.FindOldest(range);
        if (index < 0 || (Owners.FindTag(owner) < 0 && Owners.Reserve(owner, Counts.AreAllOthers) < 0))
        {
            return -1;
        }

        uint id = reuse.TakeAt(index);
        IdMap.MarkFree(this, id);
        return id;
    }

    /// <summary>Lets an id go whose life is over, or holds it back and lets another go.</summary>
    private void LetGo(uint id)
    {
        if (Choice.Reuse is { HoldsBack: true } reuse)
        {
            reuse.Hold(id);
            if (!reuse.HoldsTooMany)
            {
                return;
            }

            id = reuse.TakeAt(0);
        }

        if (IdMap.MarkFree(this, id))
        {
            RetirePage(id >> SlotPages.PageShift);
        }
    }

    /// <summary>Keeps a page if none of its ids is taken, and gives back what is kept too long or too much.</summary>
    private void RetirePage(uint page)
    {
        if (Pages.Retire(page, ref Ids) && Counts.HasGrown && IsEmpty)
        {
            ShrinkEmpty();
        }
    }

    /// <summary>Gives back what an empty table has beyond what it may keep; only the counts and the first owner always stay.</summary>
    private void ShrinkEmpty()
    {
        long kept = KeptBytes;
        while (kept > MostKeptBytes && Pages.TryDropEmpty(ref Ids))
        {
            kept = KeptBytes;
        }

        if (kept > MostKeptBytes)
        {
            Pages.Reset();
            Owners.Reset();
            References = default;
            Ids = new IdMap();
        }

        Counts.HasGrown = false;
    }
}

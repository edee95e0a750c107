namespace Pasid.Internal;

/// <content>
/// Policies other than lowest first. An id that is held back is dead in its slot and taken in the map, so that no search
/// gives it.
/// </content>
internal sealed partial class IoasidTable
{
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
            if (!reuse.TryRelease(out id))
            {
                return;
            }
        }

        if (IdMap.MarkFree(this, id))
        {
            RetirePage(id >> SlotPages.PageShift);
        }
    }
}

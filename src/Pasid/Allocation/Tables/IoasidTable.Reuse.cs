namespace Pasid.Internal;

/// <content>
/// Policies other than lowest first. An id that is held back is dead in its slot and taken in the map, so that no search
/// gives it.
/// </content>
internal sealed partial class IoasidTable
{
    /// <summary>Gets where a cyclic search begins; 0 for other policies.</summary>
    public uint NextUnsynchronized => _reuse?.Next ?? 0;

    /// <summary>Gets the ids that are held back, oldest first.</summary>
    public uint[] HeldUnsynchronized() => _reuse?.Held() ?? [];

    /// <summary>Brings the policy's memory of a new table into a given state.</summary>
    public void RestoreReuse(uint next, IReadOnlyList<uint> held)
    {
        if (_reuse is not { } reuse)
        {
            return;
        }

        reuse.Next = next;
        foreach (uint id in held)
        {
            _hasGrown = true;
            reuse.Reserve();
            ReserveId(id);
            EnsureSlot(id, prepared: null);
            MarkTaken(id);
            reuse.Hold(id);
        }
    }

    /// <summary>Finds the free id that the policy gives from a range, or -1.</summary>
    private long Choose(IoasidRange range)
    {
        if (_reuse is { IsCyclic: true } reuse && reuse.Next > range.Minimum)
        {
            long free = FindFreeIn(new IoasidRange(reuse.Next, range.Maximum));
            if (free >= 0)
            {
                return free;
            }
        }

        return FindFreeIn(range);
    }

    /// <summary>Lets the oldest id of a range go that is held back, if the policy does so and there is room for the owner.</summary>
    /// <returns>The id, which is free now; or -1.</returns>
    private long ReleaseOldest(IoasidRange range, IoasidSet? owner)
    {
        if (_reuse is not { ReleasesOldest: true } reuse)
        {
            return -1;
        }

        int index = reuse.FindOldest(range);
        if (index < 0 || (FindOwner(owner) < 0 && ReserveOwner(owner) < 0))
        {
            return -1;
        }

        uint id = reuse.TakeAt(index);
        MarkFree(id);
        return id;
    }

    /// <summary>Lets an id go whose life is over, or holds it back and lets another go.</summary>
    private void LetGo(uint id)
    {
        if (_reuse is { HoldsBack: true } reuse)
        {
            reuse.Hold(id);
            if (!reuse.TryRelease(out id))
            {
                return;
            }
        }

        if (MarkFree(id))
        {
            RetirePage(id >> PageShift);
        }
    }

    private void CheckReuse(HashSet<uint> held, List<TableDamage> damage)
    {
        if (held.Count != (_reuse?.Count ?? 0) || _reuse is { HoldsTooMany: true })
        {
            damage.Add(new(TableRule.Reuse, $"{_reuse?.Count} ids are held back, {held.Count} different ones"));
        }

        foreach (uint id in held)
        {
            ref Slot slot = ref FindSlot(id);
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref slot) || !SlotWord.IsDead(slot.Word) || !IsMarkedLive(id))
            {
                damage.Add(new(TableRule.Reuse, $"id {id} is held back, and is not free and taken"));
            }
        }
    }
}

namespace Pasid.Internal;

/// <content>The check of integrity: bitmap against slots, counts, references and owners.</content>
internal sealed partial class IoasidTable
{
    /// <summary>Finds everything that does not agree. O(live ids and words).</summary>
    public void CheckUnsynchronized(List<TableDamage> damage)
    {
        CheckSummaries(damage);
        CheckKept(damage);
        HashSet<uint> held = [.. HeldUnsynchronized()];
        CheckReuse(held, damage);
        var ownerCounts = new Dictionary<int, long>();
        long live = 0;
        long many = 0;
        foreach ((uint first, Slot[] page) in Pages())
        {
            for (int i = 0; i < page.Length; i++)
            {
                uint id = first + (uint)i;
                ulong word = page[i].Word;
                bool isLive = SlotWord.IsLive(word);
                if (isLive != IsMarkedLive(id) && !held.Contains(id))
                {
                    damage.Add(new(TableRule.LiveIds, $"id {id} is {(isLive ? "live" : "free")} in its record and {(isLive ? "free" : "live")} in the map"));
                }

                if (!isLive)
                {
                    if (page[i].Data is not null)
                    {
                        damage.Add(new(TableRule.StaleData, $"id {id} is free and has data"));
                    }

                    continue;
                }

                live++;
                many += SlotWord.References(word) == SlotWord.ManyReferences ? 1 : 0;
                ownerCounts[SlotWord.OwnerTag(word)] = ownerCounts.GetValueOrDefault(SlotWord.OwnerTag(word)) + 1;
                CheckReferences(id, word, damage);
            }
        }

        if (live != _allocations - _frees)
        {
            damage.Add(new(TableRule.LiveIds, $"{live} ids are live and {_allocations - _frees} are counted"));
        }

        if (many != (_manyReferences?.Count ?? 0))
        {
            damage.Add(new(TableRule.Counts, $"{many} ids have many references and {_manyReferences?.Count ?? 0} counts are kept"));
        }

        CheckOwners(ownerCounts, damage);
    }

    private void CheckReferences(uint id, ulong word, List<TableDamage> damage)
    {
        uint references = SlotWord.References(word);
        if (references == 0 || (references == SlotWord.ManyReferences && _manyReferences?.GetValueOrDefault(id) is null or < SlotWord.ManyReferences))
        {
            damage.Add(new(TableRule.Counts, $"id {id} is live with {references} references in its record"));
        }
    }

    private void CheckOwners(Dictionary<int, long> counts, List<TableDamage> damage)
    {
        long others = counts.Where(count => count.Key != SlotWord.FirstOwnersTag).Sum(count => count.Value);
        if (others != _otherIds)
        {
            damage.Add(new(TableRule.Counts, $"{others} ids belong to others than the first owner and {_otherIds} are counted"));
        }

        foreach ((int tag, long count) in counts)
        {
            if (tag > SlotWord.FirstOwnersTag && (_otherOwners is null || !_otherOwners.HasIds(tag, count)))
            {
                damage.Add(new(TableRule.Counts, $"owner number {tag} has {count} live ids, and the owners say otherwise"));
            }
        }
    }

    /// <summary>Checks that the summary words say of the words below them what these are.</summary>
    private void CheckSummaries(List<TableDamage> damage)
    {
        if (_leaves is not { } leaves)
        {
            return;
        }

        for (int middle = 0; middle < 64; middle++)
        {
            ulong expected = 0;
            for (int leaf = middle << 6; leaf < (middle + 1) << 6; leaf++)
            {
                expected |= leaf >= leaves.Length || leaves[leaf] != 0 ? 1ul << leaf : 0;
            }

            ulong actual = middle == 0 ? _firstMiddle : _middles is null ? ulong.MaxValue : _middles[middle];
            bool isFreeBelow = (_root >> middle & 1) != 0;
            if (actual != expected || isFreeBelow != (actual != 0))
            {
                damage.Add(new(TableRule.LiveIds, $"the summary of the ids from {middle << 12} on is {actual:X}, and they make it {expected:X}"));
            }
        }
    }

    /// <summary>Checks that each taken id has a record and each record a word in the map, and that nothing is kept for ids that
    /// are not taken beyond what may be.</summary>
    private void CheckKept(List<TableDamage> damage)
    {
        HashSet<uint> empty = [.. _farPages is null ? [] : _farPages.Empty.ToArray()];
        HashSet<uint> blocks = [.. empty.Select(page => page >> (IdBitmap.Shift - PageShift))];
        foreach ((uint first, Slot[] _) in Pages())
        {
            blocks.Add(first >> IdBitmap.Shift);
            if (_lowPages is null && first == 0)
            {
                continue;
            }

            if (first < FirstFurther ? first >> 6 >= _leaves?.Length : _furtherIds?.Covers(first) != true)
            {
                damage.Add(new(TableRule.LiveIds, $"the ids from {first} on have records and no words in the map"));
            }
            else if (IsPageFree(first) && !empty.Contains(first >> PageShift))
            {
                damage.Add(new(TableRule.LiveIds, $"the ids from {first} on have records, and none of them is live"));
            }
        }

        for (long id = FindTaken(0); id >= 0; id = FindTaken((uint)id + 1))
        {
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref FindSlot((uint)id)))
            {
                damage.Add(new(TableRule.LiveIds, $"id {id} is live in the map and has no record"));
            }
        }

        _furtherIds?.Check(damage, blocks);
        _farPages?.Check(damage);
        if (IsEmpty && KeptBytes > MostKeptBytes)
        {
            damage.Add(new(TableRule.LiveIds, $"no id is live, and {KeptBytes} bytes are kept"));
        }
    }

    /// <summary>The pages with the first id of each, ascending.</summary>
    private IEnumerable<(uint First, Slot[] Page)> Pages()
    {
        if (_lowPages is null)
        {
            yield return (0, _firstPage);
        }

        for (int i = 0; i < _lowPages?.Length; i++)
        {
            if (!ReferenceEquals(_lowPages[i], s_noPage))
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

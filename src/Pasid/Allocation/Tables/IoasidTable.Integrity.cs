namespace Pasid.Internal;

/// <content>The check of integrity: bitmap against slots, counts, references and owners.</content>
internal sealed partial class IoasidTable
{
    /// <summary>Finds everything that does not agree. O(live ids and words).</summary>
    public void CheckUnsynchronized(List<IntegrityFinding> findings)
    {
        CheckSummaries(findings);
        CheckKept(findings);
        HashSet<uint> held = [.. HeldUnsynchronized()];
        CheckReuse(held, findings);
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
                    findings.Add(new(IntegrityInvariant.LiveIdsAgree, $"id {id} is {(isLive ? "live" : "free")} in its record and {(isLive ? "free" : "live")} in the map"));
                }

                if (!isLive)
                {
                    if (page[i].Data is not null)
                    {
                        findings.Add(new(IntegrityInvariant.NoStaleData, $"id {id} is free and has data"));
                    }

                    continue;
                }

                live++;
                many += SlotWord.References(word) == SlotWord.ManyReferences ? 1 : 0;
                ownerCounts[SlotWord.OwnerTag(word)] = ownerCounts.GetValueOrDefault(SlotWord.OwnerTag(word)) + 1;
                CheckReferences(id, word, findings);
            }
        }

        if (live != _allocations - _frees)
        {
            findings.Add(new(IntegrityInvariant.LiveIdsAgree, $"{live} ids are live and {_allocations - _frees} are counted"));
        }

        if (many != (_manyReferences?.Count ?? 0))
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, $"{many} ids have many references and {_manyReferences?.Count ?? 0} counts are kept"));
        }

        CheckOwners(ownerCounts, findings);
    }

    private void CheckReferences(uint id, ulong word, List<IntegrityFinding> findings)
    {
        uint references = SlotWord.References(word);
        if (references == 0 || (references == SlotWord.ManyReferences && _manyReferences?.GetValueOrDefault(id) is null or < SlotWord.ManyReferences))
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, $"id {id} is live with {references} references in its record"));
        }
    }

    private void CheckOwners(Dictionary<int, long> counts, List<IntegrityFinding> findings)
    {
        long others = counts.Where(count => count.Key != SlotWord.FirstOwnersTag).Sum(count => count.Value);
        if (others != _otherIds)
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, $"{others} ids belong to others than the first owner and {_otherIds} are counted"));
        }

        foreach ((int tag, long count) in counts)
        {
            if (tag > SlotWord.FirstOwnersTag && (_otherOwners is null || !_otherOwners.HasIds(tag, count)))
            {
                findings.Add(new(IntegrityInvariant.CountsAgree, $"owner number {tag} has {count} live ids, and the owners say otherwise"));
            }
        }
    }

    /// <summary>Checks that the summary words say of the words below them what these are.</summary>
    private void CheckSummaries(List<IntegrityFinding> findings)
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
                findings.Add(new(IntegrityInvariant.LiveIdsAgree, $"the summary of the ids from {middle << 12} on is {actual:X}, and they make it {expected:X}"));
            }
        }
    }

    /// <summary>Checks that each taken id has a record and each record a word in the map, and that nothing is kept for ids that
    /// are not taken beyond what may be.</summary>
    private void CheckKept(List<IntegrityFinding> findings)
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
                findings.Add(new(IntegrityInvariant.LiveIdsAgree, $"the ids from {first} on have records and no words in the map"));
            }
            else if (IsPageFree(first) && !empty.Contains(first >> PageShift))
            {
                findings.Add(new(IntegrityInvariant.LiveIdsAgree, $"the ids from {first} on have records, and none of them is live"));
            }
        }

        for (long id = FindTaken(0); id >= 0; id = FindTaken((uint)id + 1))
        {
            if (System.Runtime.CompilerServices.Unsafe.IsNullRef(ref FindSlot((uint)id)))
            {
                findings.Add(new(IntegrityInvariant.LiveIdsAgree, $"id {id} is live in the map and has no record"));
            }
        }

        _furtherIds?.Check(findings, blocks);
        _farPages?.Check(findings);
        if (IsEmpty && KeptBytes > MostKeptBytes)
        {
            findings.Add(new(IntegrityInvariant.LiveIdsAgree, $"no id is live, and {KeptBytes} bytes are kept"));
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

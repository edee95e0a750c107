namespace Pasid.Internal;

/// <content>The check of integrity: bitmap against slots, counts, references and owners.</content>
internal sealed partial class IoasidTable
{
    /// <summary>Finds everything that does not agree. O(live ids and words).</summary>
    public void CheckUnsynchronized(List<IntegrityFinding> findings)
    {
        CheckSummaries(findings);
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
                    findings.Add(new(IntegrityInvariant.LiveIdsAgree, KernelQuirks.None, $"id {id} is {(isLive ? "live" : "free")} in its record and {(isLive ? "free" : "live")} in the map"));
                }

                if (!isLive)
                {
                    if (page[i].Data is not null)
                    {
                        findings.Add(new(IntegrityInvariant.NoStaleData, KernelQuirks.None, $"id {id} is free and has data"));
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
            findings.Add(new(IntegrityInvariant.LiveIdsAgree, KernelQuirks.None, $"{live} ids are live and {_allocations - _frees} are counted"));
        }

        if (many != (_manyReferences?.Count ?? 0))
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, KernelQuirks.None, $"{many} ids have many references and {_manyReferences?.Count ?? 0} counts are kept"));
        }

        CheckOwners(ownerCounts, findings);
    }

    private void CheckReferences(uint id, ulong word, List<IntegrityFinding> findings)
    {
        uint references = SlotWord.References(word);
        if (references == 0 || (references == SlotWord.ManyReferences && _manyReferences?.GetValueOrDefault(id) is null or < SlotWord.ManyReferences))
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, KernelQuirks.None, $"id {id} is live with {references} references in its record"));
        }
    }

    private void CheckOwners(Dictionary<int, long> counts, List<IntegrityFinding> findings)
    {
        long others = counts.Where(count => count.Key != SlotWord.FirstOwnersTag).Sum(count => count.Value);
        if (others != _otherIds)
        {
            findings.Add(new(IntegrityInvariant.CountsAgree, KernelQuirks.None, $"{others} ids belong to others than the first owner and {_otherIds} are counted"));
        }

        foreach ((int tag, long count) in counts)
        {
            if (tag > SlotWord.FirstOwnersTag && (_otherOwners is null || !_otherOwners.HasIds(tag, count)))
            {
                findings.Add(new(IntegrityInvariant.CountsAgree, KernelQuirks.None, $"owner number {tag} has {count} live ids, and the owners say otherwise"));
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
                findings.Add(new(IntegrityInvariant.LiveIdsAgree, KernelQuirks.None, $"the summary of the ids from {middle << 12} on is {actual:X}, and they make it {expected:X}"));
            }
        }

        _furtherIds?.Check(findings);
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

        for (int i = 0; i < _highPages?.Length; i++)
        {
            for (int j = 0; j < _highPages[i]?.Length; j++)
            {
                if (!ReferenceEquals(_highPages[i]![j], s_noPage))
                {
                    yield return (((uint)i << HighShift) + ((uint)j << PageShift), _highPages[i]![j]);
                }
            }
        }
    }
}

namespace Pasid.Internal;

/// <summary>The check of a table: map against records, counts, references, owners, and what a policy holds back.</summary>
internal sealed class TableCheck(IoasidTable table)
{
    private readonly List<TableDamage> _damage = [];

    /// <summary>Finds everything that does not agree. The gate of the table is held. O(live ids and words).</summary>
    public List<TableDamage> Run()
    {
        table.Ids.CheckSummaries(_damage);
        SlotPages.Check(table, _damage);
        if (table.IsEmpty && table.KeptBytes > IoasidTable.MostKeptBytes)
        {
            _damage.Add(new(TableRule.LiveIds, $"no id is live, and {table.KeptBytes} bytes are kept"));
        }

        HashSet<uint> held = [.. table.Choice.Held()];
        CheckReuse(held);
        var ownerCounts = new Dictionary<int, long>();
        long live = 0;
        long many = 0;
        foreach ((uint first, Slot[] page) in table.Pages.All())
        {
            for (int i = 0; i < page.Length; i++)
            {
                uint id = first + (uint)i;
                ulong word = page[i].Word;
                bool isLive = SlotWord.IsLive(word);
                if (isLive != table.Ids.IsTaken(id) && !held.Contains(id))
                {
                    _damage.Add(new(TableRule.LiveIds, $"id {id} is {(isLive ? "live" : "free")} in its record and {(isLive ? "free" : "live")} in the map"));
                }

                if (!isLive)
                {
                    if (page[i].Data is not null)
                    {
                        _damage.Add(new(TableRule.StaleData, $"id {id} is free and has data"));
                    }

                    continue;
                }

                live++;
                many += SlotWord.References(word) == SlotWord.ManyReferences ? 1 : 0;
                ownerCounts[SlotWord.OwnerTag(word)] = ownerCounts.GetValueOrDefault(SlotWord.OwnerTag(word)) + 1;
                table.References.Check(id, word, _damage);
            }
        }

        if (live != table.Counts.Live)
        {
            _damage.Add(new(TableRule.LiveIds, $"{live} ids are live and {table.Counts.Live} are counted"));
        }

        table.References.CheckMany(many, _damage);
        table.Counts.CheckOthers(ownerCounts.Where(count => count.Key != SlotWord.FirstOwnersTag).Sum(count => count.Value), _damage);
        foreach ((int tag, long count) in ownerCounts)
        {
            table.Owners.Check(tag, count, _damage);
        }

        return _damage;
    }

    private void CheckReuse(HashSet<uint> held)
    {
        if (held.Count != (table.Choice.HeldCount) || table.Choice.Reuse is { HoldsTooMany: true })
        {
            _damage.Add(new(TableRule.Reuse, $"{table.Choice.HeldCount} ids are held back, {held.Count} different ones"));
        }

        foreach (uint id in held)
        {
            if (!SlotWord.IsDead(SlotPages.Find(table, id).Word) || !table.Ids.IsTaken(id))
            {
                _damage.Add(new(TableRule.Reuse, $"id {id} is held back, and is not free and taken"));
            }
        }
    }
}

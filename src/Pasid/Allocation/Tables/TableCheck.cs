namespace Pasid.Internal;

/// <summary>The check of a table: map against records, counts, references, owners, and what a policy holds back.</summary>
internal static class TableCheck
{
    /// <summary>Finds everything that does not agree. The gate of the table is held. O(live ids and words).</summary>
    public static List<TableDamage> Run(IoasidTable table)
    {
        var damage = new List<TableDamage>();
        table.Ids.CheckSummaries(damage);
        SlotPages.Check(table, damage);
        damage.AddIf(table.IsEmpty && table.KeptBytes > IoasidTable.MostKeptBytes, TableRule.LiveIds, $"no id is live, and {table.KeptBytes} bytes are kept");
        HashSet<uint> held = [.. table.Choice.Held()];
        bool areRightlyMany = held.Count == table.Choice.HeldCount && table.Choice.Reuse is not { HoldsTooMany: true };
        damage.AddIf(!areRightlyMany, TableRule.Reuse, $"{table.Choice.HeldCount} ids are held back, {held.Count} different ones");
        foreach (uint id in held)
        {
            bool isHeldBack = SlotWord.IsDead(SlotPages.Find(table, id).Word) && table.Ids.IsTaken(id);
            damage.AddIf(!isHeldBack, TableRule.Reuse, $"id {id} is held back, and is not free and taken");
        }

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
                table.References.Check(id, word, damage);
            }
        }

        damage.AddIf(live != table.Counts.Live, TableRule.LiveIds, $"{live} ids are live and {table.Counts.Live} are counted");
        table.References.CheckMany(many, damage);
        table.Counts.CheckOthers(ownerCounts.Where(count => count.Key != SlotWord.FirstOwnersTag).Sum(count => count.Value), damage);
        foreach ((int tag, long count) in ownerCounts)
        {
            table.Owners.Check(tag, count, damage);
        }

        return damage;
    }

    /// <summary>Adds what is wrong, if it is; made into words only then.</summary>
    public static void AddIf(this List<TableDamage> damage, bool isWrong, TableRule rule, FormattableString message)
    {
        if (isWrong)
        {
            damage.Add(new(rule, FormattableString.Invariant(message)));
        }
    }
}

/// <summary>One thing of a table that is not as it has to be.</summary>
internal readonly record struct TableDamage(TableRule Rule, string Message);

/// <summary>What has to hold of a table whenever its gate is free.</summary>
internal enum TableRule
{
    /// <summary>The map, the records and the count say the same of each id, and nothing is kept for ids that need nothing.</summary>
    LiveIds,

    /// <summary>A free id has no data.</summary>
    StaleData,

    /// <summary>References and owners are counted right.</summary>
    Counts,

    /// <summary>An id that is held back is taken and not live, and no more are held back than the policy says.</summary>
    Reuse,
}

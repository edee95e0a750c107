namespace Pasid.Internal;

/// <summary>The reference counts of live ids: in the words of their slots, and beside them where they are too many for that. Not
/// thread-safe.</summary>
internal struct ReferenceCounts
{
    /// <summary>For how many counts there is room while there are none.</summary>
    private const int MostKept = 64;

    private Dictionary<uint, long>? _many;

    public readonly long Bytes => _many is null ? 0 : 80 + (28L * _many.EnsureCapacity(0));

    /// <summary>Gets the count of an id; 0 if its word is not live.</summary>
    public readonly long Get(uint id, ulong word)
    {
        if (!SlotWord.IsLive(word))
        {
            return 0;
        }

        uint references = SlotWord.References(word);
        return references == SlotWord.ManyReferences ? _many![id] : references;
    }

    /// <summary>Sets the count of a live id, which is not 0.</summary>
    public void Set(uint id, ref Slot slot, long references)
    {
        if (references >= SlotWord.ManyReferences)
        {
            _many ??= [];
            _many[id] = references;
        }
        else if (_many?.Remove(id) == true && _many.Count == 0 && _many.EnsureCapacity(0) > MostKept)
        {
            _many = null;
        }

        Volatile.Write(ref slot.Word, SlotWord.WithReferences(slot.Word, (uint)Math.Min(references, SlotWord.ManyReferences)));
    }

    public readonly void Check(uint id, ulong word, List<TableDamage> damage)
    {
        uint references = SlotWord.References(word);
        if (references == 0 || (references == SlotWord.ManyReferences && _many?.GetValueOrDefault(id) is null or < SlotWord.ManyReferences))
        {
            damage.Add(new(TableRule.Counts, $"id {id} is live with {references} references in its record"));
        }
    }

    public readonly void CheckMany(long many, List<TableDamage> damage) =>
        damage.AddIf(many != (_many?.Count ?? 0), TableRule.Counts, $"{many} ids have many references and {_many?.Count ?? 0} counts are kept");
}

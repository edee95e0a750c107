using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// The owners of live ids by tag: 1 for the first owner, which most tables have alone and which may be none; 0 for none
/// where the first owner is somebody; the others in <see cref="OwnerTags"/>. Readers take no lock; writers hold the gate of the
/// table.
/// </summary>
internal struct Owners
{
    private IoasidSet? _first;

    private OwnerTags? _others;

    public readonly long Bytes => _others?.Bytes ?? 0;

    /// <summary>Tells whether an owner is the first one; the gate is held, or the answer is that of one moment.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsFirst(IoasidSet? owner) => ReferenceEquals(Volatile.Read(ref _first), owner);

    /// <inheritdoc cref="OwnerTags.IsOwner"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsOwner(int tag, IoasidSet owner) => tag switch
    {
        0 => false,
        SlotWord.FirstOwnersTag => ReferenceEquals(Volatile.Read(ref _first), owner),

        // Without owners the life under the tag is over: they go after it, and the word that is looked at next says so.
        _ => Volatile.Read(ref _others)?.IsOwner(tag, owner) ?? false,
    };

    public readonly IoasidSet? Of(ulong word) => SlotWord.OwnerTag(word) switch
    {
        0 => null,
        SlotWord.FirstOwnersTag => _first,
        int tag => _others![tag],
    };

    /// <summary>Finds the tag of an owner if that is easy; -1 otherwise.</summary>
    public readonly int FindTag(IoasidSet? owner)
    {
        if (ReferenceEquals(_first, owner))
        {
            return SlotWord.FirstOwnersTag;
        }

        return owner is null ? 0 : _others?.FindLast(owner) ?? -1;
    }

    /// <summary>Finds or gives the tag of an owner.</summary>
    /// <returns>The tag, or -1 if all tags are in use.</returns>
    public int Reserve(IoasidSet? owner, bool isFirstUnused)
    {
        int tag = FindTag(owner);
        if (tag >= 0)
        {
            return tag;
        }

        if (isFirstUnused && (_others is null || !_others.Has(owner!)))
        {
            Volatile.Write(ref _first, owner);
            return SlotWord.FirstOwnersTag;
        }

        if (_others is null)
        {
            Volatile.Write(ref _others, new OwnerTags());
        }

        return _others.Reserve(owner!);
    }

    public readonly void AddId(int tag, ref LiveCounts counts)
    {
        if (tag == SlotWord.FirstOwnersTag)
        {
            return;
        }

        counts.Others++;
        if (tag != 0)
        {
            _others!.AddId(tag);
        }
    }

    public void RemoveId(int tag, ref LiveCounts counts)
    {
        // The first owner stays, without ids, until another comes: to allocate and free in turn must not rewrite what
        // lookups read.
        if (tag == SlotWord.FirstOwnersTag)
        {
            return;
        }

        counts.Others--;
        if (tag != 0)
        {
            _others!.RemoveId(tag);
            if (_others.IsOutgrown)
            {
                Volatile.Write(ref _others, null);
            }
        }
    }

    /// <summary>Gives back what is kept without an owner; it goes after the last life that it had a part in.</summary>
    public void Reset() => Volatile.Write(ref _others, null);

    public readonly void Check(int tag, long count, List<TableDamage> damage) => damage.AddIf(
        tag > SlotWord.FirstOwnersTag && (_others is null || !_others.HasIds(tag, count)),
        TableRule.Counts,
        $"owner number {tag} has {count} live ids, and the owners say otherwise");
}

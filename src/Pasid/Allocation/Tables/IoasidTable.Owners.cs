using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>
/// The owners of live ids by tag: 1 for the first owner, which most tables have alone and which may be none; 0 for none
/// where the first owner is somebody; the others in <see cref="OwnerTags"/>.
/// </content>
internal sealed partial class IoasidTable
{
    /// <inheritdoc cref="OwnerTags.IsOwner"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsOwner(int tag, IoasidSet owner) => tag switch
    {
        0 => false,
        SlotWord.FirstOwnersTag => ReferenceEquals(Volatile.Read(ref _firstOwner), owner),

        // Without owners the life under the tag is over: they go after it, and the word that is looked at next says so.
        _ => Volatile.Read(ref _otherOwners)?.IsOwner(tag, owner) ?? false,
    };

    /// <summary>Gets the owner of a live id.</summary>
    private IoasidSet? FindOwnerOf(ulong word) => SlotWord.OwnerTag(word) switch
    {
        0 => null,
        SlotWord.FirstOwnersTag => _firstOwner,
        int tag => _otherOwners![tag],
    };

    /// <summary>Finds the tag of an owner if that is easy; -1 otherwise.</summary>
    private int FindOwner(IoasidSet? owner)
    {
        if (ReferenceEquals(_firstOwner, owner))
        {
            return SlotWord.FirstOwnersTag;
        }

        return owner is null ? 0 : _otherOwners?.FindLast(owner) ?? -1;
    }

    /// <inheritdoc cref="OwnerTags.Reserve"/>
    private int ReserveOwner(IoasidSet? owner)
    {
        if (ReferenceEquals(_firstOwner, owner))
        {
            return SlotWord.FirstOwnersTag;
        }

        if (owner is null)
        {
            return 0;
        }

        if (_allocations - _frees == _otherIds && (_otherOwners is null || !_otherOwners.Has(owner)))
        {
            Volatile.Write(ref _firstOwner, owner);
            return SlotWord.FirstOwnersTag;
        }

        if (_otherOwners is null)
        {
            Volatile.Write(ref _otherOwners, new OwnerTags());
        }

        return _otherOwners.Reserve(owner);
    }

    private void AddOwnersId(int tag)
    {
        if (tag == SlotWord.FirstOwnersTag)
        {
            return;
        }

        _otherIds++;
        if (tag != 0)
        {
            _otherOwners!.AddId(tag);
        }
    }

    private void RemoveOwnersId(int tag)
    {
        // The first owner stays, without ids, until another comes: to allocate and free in turn must not rewrite what
        // lookups read.
        if (tag == SlotWord.FirstOwnersTag)
        {
            return;
        }

        _otherIds--;
        if (tag != 0)
        {
            _otherOwners!.RemoveId(tag);
            if (_otherOwners.IsOutgrown)
            {
                Volatile.Write(ref _otherOwners, null);
            }
        }
    }
}

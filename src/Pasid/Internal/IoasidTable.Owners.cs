using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>
/// The owners of live ids by tag: 0 for none, 1 for the first owner, which most tables have alone, the others in
/// <see cref="OwnerTags"/>.
/// </content>
internal sealed partial class IoasidTable
{
    private const int FirstOwnersTag = 1;

    /// <inheritdoc cref="OwnerTags.IsOwner"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsOwner(int tag, IoasidSet owner) => tag switch
    {
        0 => false,
        FirstOwnersTag => ReferenceEquals(Volatile.Read(ref _firstOwner), owner),
        _ => Volatile.Read(ref _otherOwners)!.IsOwner(tag, owner),
    };

    /// <inheritdoc cref="OwnerTags.Reserve"/>
    private int ReserveOwner(IoasidSet? owner)
    {
        if (owner is null)
        {
            return 0;
        }

        return ReferenceEquals(_firstOwner, owner) ? FirstOwnersTag : ReserveOtherOwner(owner);
    }

    private int ReserveOtherOwner(IoasidSet owner)
    {
        if (_firstOwnerIds == 0 && (_otherOwners is null || !_otherOwners.Has(owner)))
        {
            Volatile.Write(ref _firstOwner, owner);
            return FirstOwnersTag;
        }

        if (_otherOwners is null)
        {
            Volatile.Write(ref _otherOwners, new OwnerTags());
        }

        return _otherOwners.Reserve(owner);
    }

    private void AddOwnersId(int tag)
    {
        if (tag == FirstOwnersTag)
        {
            _firstOwnerIds++;
        }
        else if (tag != 0)
        {
            _otherOwners!.AddId(tag);
        }
    }

    private void RemoveOwnersId(int tag)
    {
        if (tag == FirstOwnersTag)
        {
            // An owner without ids stays until another comes: to allocate and free in turn would rewrite what lookups read.
            _firstOwnerIds--;
        }
        else if (tag != 0)
        {
            _otherOwners!.RemoveId(tag);
        }
    }
}

using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <content>Lookups, which take no lock.</content>
internal sealed partial class IoasidTable
{
    /// <summary>Looks an id up without a lock.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PasidStatus Lookup(uint id, IoasidSet? owner, out object? data)
    {
        ref Slot slot = ref SlotPages.FindLow(this, id);
        ulong word = Volatile.Read(ref slot.Word);
        object? current = Volatile.Read(ref slot.Data);

        // A writer may have ended this life, and even begun another, between the reads above; or have replaced the page, so
        // that the life goes on elsewhere. The same word before and after means that they belong to one moment. A tag cannot
        // change hands while an id lives under it.
        if (SlotWord.IsLiveFirstOwners(word)
            && (Owners.IsFirst(owner) || owner is null)
            && Volatile.Read(ref slot.Word) == word)
        {
            data = current;
            return PasidStatus.Success;
        }

        if (SlotWord.IsDead(word))
        {
            data = null;
            return PasidStatus.NotFound;
        }

        return LookupAgain(id, owner, out data);
    }

    /// <summary>Finds the data of an id, whoever owns it, if that takes no call.</summary>
    /// <returns><see langword="false"/> if <see cref="Lookup"/> has to be asked.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryLookupSimply(uint id, out object? data)
    {
        ref Slot slot = ref SlotPages.FindLow(this, id);
        ulong word = Volatile.Read(ref slot.Word);
        data = Volatile.Read(ref slot.Data);
        return SlotWord.IsLiveFirstOwners(word) && Volatile.Read(ref slot.Word) == word;
    }

    /// <summary>Looks an id up that has no slot below 2^21, belongs to another than the first owner, or that a writer is changing.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PasidStatus LookupAgain(uint id, IoasidSet? owner, out object? data)
    {
        while (true)
        {
            bool wasSplit = Pages.HasDirectory;
            ref Slot slot = ref SlotPages.Find(this, id);
            ulong word = Volatile.Read(ref slot.Word);
            if (!SlotWord.IsLive(word))
            {
                // The copy of a page was there before the mark: the next look finds it, or a later one. A look that saw no
                // directory, and then no first page because that was split meanwhile, says nothing of the id.
                if (word == SlotWord.Moved || (!wasSplit && Pages.HasDirectory && !Planted.Is(PlantedFault.SplitHidesIds)))
                {
                    continue;
                }

                data = null;
                return PasidStatus.NotFound;
            }

            bool isOwned = owner is null || Owners.IsOwner(SlotWord.OwnerTag(word), owner);
            object? current = Volatile.Read(ref slot.Data);
            if (SlotWord.IsSameLife(word, Volatile.Read(ref slot.Word)))
            {
                data = isOwned ? current : null;
                return isOwned ? PasidStatus.Success : PasidStatus.AccessDenied;
            }
        }
    }
}

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// One id space: which ids are live, and the data, owner and references of each. The default allocator has one, and so
/// has each group of custom allocators. Members that end in <c>Unsynchronized</c> need the gate.
/// </summary>
/// <remarks>
/// The runtime lays the parts out in this order, and in each the references before the numbers. What lookups read comes first
/// and what writers write comes last, with 64 bytes that hardly anybody touches between, or each write would take the
/// cache line of the lookups away. A number of its own, outside the parts, would come before all of them.
/// </remarks>
internal sealed partial class IoasidTable(CustomGroup? group, bool isLogged, IoasidReusePolicy reusePolicy)
{
    // Read by every lookup.
    internal SlotPages Pages = new();
    internal Owners Owners;

    // Rarely needed, or never written.
    internal readonly IdChoice Choice = new(group, isLogged, reusePolicy);
    internal ReferenceCounts References;

    // Written by every allocation and free.
    internal IdMap Ids = new();
    internal LiveCounts Counts;
    private Gate _gate = new();

    public CustomGroup? Group => Choice.Group;

    public bool HasDetour => Choice.HasDetour;

    /// <summary>Gets a value indicating whether this thread comes from a function of the table's group.</summary>
    public bool IsInsideFunction => Group is not null && _gate.IsHeldByCurrentThread;

    /// <summary>Enters the gate, which is held while the functions of a group run.</summary>
    /// <exception cref="InvalidOperationException">Called from inside one of these.</exception>
    public void Enter()
    {
        if (Group is null)
        {
            _gate.Enter();
        }
        else
        {
            _gate.EnterAsOwner("The allocator");
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter() => _gate.TryEnter();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave() => _gate.Leave();

    public GateTurn LeaveAtEnd() => new(ref _gate);

    /// <summary>Tells whether the next allocation from a range needs a new page, which is best made outside the gate.</summary>
    public bool NeedsPageUnsynchronized(IoasidRange range)
    {
        AssertInvariants();
        long free = Choice.Choose(this, range);
        return free >= 0 && SlotPages.LacksPage(this, (uint)free);
    }

    /// <summary>Makes the id of a range live that the policy gives; a prepared page is used if one is needed.</summary>
    /// <returns>The id, or -1 if there is none, or if there are too many owners to number them.</returns>
    public long AllocateUnsynchronized(IoasidRange range, IoasidSet? owner, object? data, Slot[]? prepared)
    {
        AssertInvariants();
        long free = Choice.Choose(this, range);
        if (free < 0)
        {
            free = ReleaseOldest(range, owner);
        }

        if (free < 0 || !InsertUnsynchronized((uint)free, owner, data, prepared))
        {
            return -1;
        }

        if (Choice.Reuse is { IsCyclic: true } reuse)
        {
            reuse.Next = (uint)free + 1;
        }

        return free;
    }

    /// <summary>Makes a given id live.</summary>
    /// <returns><see langword="false"/> if it is live already, or if there are too many owners to number them.</returns>
    public bool InsertUnsynchronized(uint id, IoasidSet? owner, object? data, Slot[]? prepared = null)
    {
        AssertInvariants();
        ref Slot slot = ref SlotPages.Find(this, id);
        if (SlotWord.IsLive(slot.Word))
        {
            return false;
        }

        int tag = Owners.FindTag(owner);
        if (tag < 0 || slot.Word == SlotWord.NoSlot)
        {
            tag = Prepare(id, owner, prepared);
            slot = ref SlotPages.Find(this, id);
        }

        if (tag < 0)
        {
            return false;
        }

        IdMap.MarkTaken(this, id);
        Owners.AddId(tag, ref Counts);
        Volatile.Write(ref Counts.Allocations, Counts.Allocations + 1);
        Volatile.Write(ref slot.Data, data);
        Volatile.Write(ref slot.Word, SlotWord.Begin(slot.Word, tag));
        return true;
    }

    /// <summary>Makes room for an id and its owner: all that may run out of memory, before the first change that anyone could see.</summary>
    /// <returns>The tag of the owner, or -1 if all tags are in use.</returns>
    private int Prepare(uint id, IoasidSet? owner, Slot[]? prepared)
    {
        // The bitmap words come first, because they grow by whole pages: an id that has a slot has them too.
        Counts.HasGrown = true;
        Ids.Reserve(id);
        int tag = -1;
        try
        {
            EnsureSlot(id, prepared);
            tag = Owners.Reserve(owner, Counts.AreAllOthers);
        }
        finally
        {
            if (tag < 0)
            {
                // Nobody would free an id of this page, and so give it back.
                RetirePage(id >> SlotPages.PageShift);
            }
        }

        return tag;
    }

    private void EnsureSlot(uint id, Slot[]? prepared)
    {
        if (SlotPages.Find(this, id).Word == SlotWord.NoSlot)
        {
            Pages.Add(id, prepared, ref Ids);
        }
    }

    public PasidStatus FreeUnsynchronized(uint id)
    {
        AssertInvariants();
        ref Slot slot = ref SlotPages.Find(this, id);
        long references = References.Get(id, slot.Word);
        if (references == 1)
        {
            End(ref slot, id);
        }

        return references switch { 0 => PasidStatus.NotFound, 1 => PasidStatus.Success, _ => PasidStatus.Busy };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TrySetDataUnsynchronized(uint id, object? data)
    {
        AssertInvariants();
        ref Slot slot = ref SlotPages.Find(this, id);
        if (!SlotWord.IsLive(slot.Word))
        {
            return false;
        }

        Volatile.Write(ref slot.Data, data);
        return true;
    }

    public long GetReferencesUnsynchronized(uint id)
    {
        AssertInvariants();
        return References.Get(id, SlotPages.Find(this, id).Word);
    }

    /// <summary>Sets the reference count of a live id; 0 frees it.</summary>
    public void SetReferencesUnsynchronized(uint id, long references)
    {
        AssertInvariants();
        ref Slot slot = ref SlotPages.Find(this, id);
        if (references == 0)
        {
            End(ref slot, id);
            return;
        }

        Counts.HasGrown |= references >= SlotWord.ManyReferences;
        References.Set(id, ref slot, references);
    }

    public List<LiveId> CopyLiveUnsynchronized()
    {
        var ids = new List<LiveId>((int)Counts.Live);

        // No live id is 4294967295, so there is always one behind.
        for (long id = FindLiveUnsynchronized(0); id >= 0; id = FindLiveUnsynchronized((uint)id + 1))
        {
            ref Slot slot = ref SlotPages.Find(this, (uint)id);
            ids.Add(new LiveId((uint)id, GetReferencesUnsynchronized((uint)id), Owners.Of(slot.Word), slot.Data));
        }

        return ids;
    }

    /// <summary>Finds the lowest live id that is not below <paramref name="from"/>, or -1.</summary>
    public long FindLiveUnsynchronized(uint from)
    {
        AssertInvariants();
        long id = Ids.FindTaken(from);
        while (id >= 0 && Choice.Reuse is { HoldsBack: true } && !SlotWord.IsLive(SlotPages.Find(this, (uint)id).Word))
        {
            id = Ids.FindTaken((uint)id + 1);
        }

        return id;
    }

    /// <summary>Frees a live id, if the functions of the group, where there is one, take it back.</summary>
    private void End(ref Slot slot, uint id)
    {
        Group?.Free(id);
        Choice.Reuse?.Reserve();
        ulong word = slot.Word;
        EndLife(ref slot, word);

        // Only now: a lookup that finds the tag without its owner has to find the life ended, or it would deny the owner.
        Owners.RemoveId(SlotWord.OwnerTag(word), ref Counts);
        LetGo(id);
    }

    /// <summary>Asserts, where an operation begins, that the gate is held and that all is well which is cheap to see.</summary>
    [Conditional("DEBUG")]
    private void AssertInvariants()
    {
        _gate.AssertHeld();
        Counts.AssertInvariants();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndLife(ref Slot slot, ulong word)
    {
        // The life ends before its data goes, so that a lookup that finds the data gone also finds another word.
        Volatile.Write(ref slot.Word, SlotWord.End(word));
        Volatile.Write(ref slot.Data, null);
        Volatile.Write(ref Counts.Frees, Counts.Frees + 1);
    }

    /// <summary>A live id with all that is kept of it.</summary>
    internal readonly record struct LiveId(uint Id, long References, IoasidSet? Owner, object? Data);
}

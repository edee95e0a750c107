using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// One id space: which ids are live, and the data, owner and references of each. The default allocator has one, and so
/// has each group of custom allocators. Members that end in <c>Unsynchronized</c> need the gate.
/// </summary>
/// <remarks>
/// The runtime lays the references out first, in this order, and the numbers after them. What lookups read comes first
/// and what writers write comes last, with 64 bytes that hardly anybody touches between, or each write would take the
/// cache line of the lookups away.
/// </remarks>
internal sealed partial class IoasidTable(CustomGroup? group, bool isLogged, IoasidReusePolicy reusePolicy)
{
    /// <summary>For how many counts of references there is room while there are none.</summary>
    private const int MostKeptCounts = 64;

    // Read by every lookup.

    /// <summary>The page of the ids below 2,048, as long as there is no directory.</summary>
    private Slot[] _firstPage = s_noFirstPage;

    /// <summary>The directory: the pages of the ids below 2^21, as far as they were needed; none while the first page is enough.</summary>
    private Slot[][]? _lowPages;

    /// <summary>The first owner, or <see langword="null"/> if that is none.</summary>
    private IoasidSet? _firstOwner;

    // Rarely needed.

    /// <summary>The pages of all other ids, and which pages are kept though empty; none while the first page is enough.</summary>
    private FarPages? _farPages;

    private OwnerTags? _otherOwners;
    private readonly CustomGroup? _group = group;
    private Dictionary<uint, long>? _manyReferences;

    /// <summary>Bit i of word j: id 64 j + i is free; none while the root is enough. Words beyond the end were never touched.</summary>
    private ulong[]? _leaves;

    /// <summary>Bit i of word j, from 1 on: leaf 64 j + i has a free id. None while there are 64 leaves at most.</summary>
    private ulong[]? _middles;

    private FurtherIds? _furtherIds;

    /// <summary>What the policy remembers; none for lowest first, which remembers nothing.</summary>
    private readonly IoasidReuse? _reuse = reusePolicy.Order == IoasidReuseOrder.LowestFirst ? null : new IoasidReuse(reusePolicy);

    // Written by every allocation and free.

    /// <summary>Without leaves, bit i: id i is free. With leaves, bit i: leaves 64 i .. 64 i + 63 have a free id.</summary>
    private ulong _root = ulong.MaxValue;

    /// <summary>Bit i: leaf i has a free id; the first word of <see cref="_middles"/>.</summary>
    private ulong _firstMiddle;

    /// <summary>How many ids have become live. With <see cref="_frees"/> as cheap as a count of the live ones, and it tells more.</summary>
    private long _allocations;

    private long _frees;

    /// <summary>How many live ids are not the first owner's.</summary>
    private uint _otherIds;

    private Gate _gate = new();

    /// <summary>Whether anything was made since an empty table was found to have no more than it may keep.</summary>
    private bool _hasGrown;

    private readonly bool _hasDetour = group is not null || isLogged || reusePolicy.Order != IoasidReuseOrder.LowestFirst;

    /// <summary>Gets the group whose functions choose the ids; <see langword="null"/> for the default allocator.</summary>
    public CustomGroup? Group => _group;

    /// <summary>Gets a value indicating whether calls must not take the fast way, which neither asks a group or policy nor logs.</summary>
    public bool HasDetour => _hasDetour;

    public long LiveCount
    {
        get
        {
            GetCounts(out long allocations, out long frees);
            return allocations - frees;
        }
    }

    /// <summary>Gets how many ids have become live, and how many of them free again, as of one moment, without the gate.</summary>
    public void GetCounts(out long allocations, out long frees)
    {
        do
        {
            frees = Volatile.Read(ref _frees);
            allocations = Volatile.Read(ref _allocations);
        }
        while (frees != Volatile.Read(ref _frees));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter() => _gate.Enter();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryEnter() => _gate.TryEnter();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Leave() => _gate.Leave();

    /// <summary>Tells whether the next allocation from a range needs a new page, which is best made outside the gate.</summary>
    public bool NeedsPageUnsynchronized(IoasidRange range)
    {
        long free = Choose(range);
        return free >= 0 && LacksPage((uint)free);
    }

    public static Slot[] NewPage() => new Slot[PageLength];

    /// <summary>Makes the id of a range live that the policy gives.</summary>
    /// <param name="range">The range; a reversed one holds nothing.</param>
    /// <param name="owner">The owner, or <see langword="null"/>.</param>
    /// <param name="data">The data.</param>
    /// <param name="prepared">A new page to use if one is needed, or <see langword="null"/>.</param>
    /// <returns>The id, or -1 if there is none, or if there are too many owners to number them.</returns>
    public long AllocateUnsynchronized(IoasidRange range, IoasidSet? owner, object? data, Slot[]? prepared)
    {
        long free = Choose(range);
        if (free < 0)
        {
            free = ReleaseOldest(range, owner);
        }

        if (free < 0 || !InsertUnsynchronized((uint)free, owner, data, prepared))
        {
            return -1;
        }

        if (_reuse is { IsCyclic: true } reuse)
        {
            reuse.Next = (uint)free + 1;
        }

        return free;
    }

    /// <summary>Makes a given id live.</summary>
    /// <returns><see langword="false"/> if it is live already, or if there are too many owners to number them.</returns>
    public bool InsertUnsynchronized(uint id, IoasidSet? owner, object? data, Slot[]? prepared = null)
    {
        ref Slot slot = ref FindSlot(id);
        if (!Unsafe.IsNullRef(ref slot) && SlotWord.IsLive(slot.Word))
        {
            return false;
        }

        int tag = FindOwner(owner);
        if (tag < 0 || Unsafe.IsNullRef(ref slot))
        {
            tag = Prepare(id, owner, prepared);
            slot = ref FindSlot(id);
        }

        if (tag < 0)
        {
            return false;
        }

        MarkTaken(id);
        AddOwnersId(tag);
        Volatile.Write(ref _allocations, _allocations + 1);
        Volatile.Write(ref slot.Data, data);
        Volatile.Write(ref slot.Word, SlotWord.Begin(slot.Word, tag));
        return true;
    }

    /// <summary>Makes room for an id and its owner: all that may run out of memory, before the first change that anyone could see.</summary>
    /// <returns>The tag of the owner, or -1 if all tags are in use.</returns>
    private int Prepare(uint id, IoasidSet? owner, Slot[]? prepared)
    {
        // The bitmap words come first, because they grow by whole pages: an id that has a slot has them too.
        _hasGrown = true;
        ReserveId(id);
        int tag = -1;
        try
        {
            EnsureSlot(id, prepared);
            tag = ReserveOwner(owner);
        }
        finally
        {
            if (tag < 0)
            {
                // Nobody would free an id of this page, and so give it back.
                RetirePage(id >> PageShift);
            }
        }

        return tag;
    }

    /// <summary>Frees an id that has one reference.</summary>
    public PasidStatus FreeUnsynchronized(uint id)
    {
        ref Slot slot = ref FindSlot(id);
        if (Unsafe.IsNullRef(ref slot) || !SlotWord.IsLive(slot.Word))
        {
            return PasidStatus.NotFound;
        }

        if (SlotWord.References(slot.Word) != 1)
        {
            return PasidStatus.Busy;
        }

        End(ref slot, id);
        return PasidStatus.Success;
    }

    public PasidStatus SetDataUnsynchronized(uint id, object? data)
    {
        ref Slot slot = ref FindSlot(id);
        if (Unsafe.IsNullRef(ref slot) || !SlotWord.IsLive(slot.Word))
        {
            return PasidStatus.NotFound;
        }

        Volatile.Write(ref slot.Data, data);
        return PasidStatus.Success;
    }

    /// <summary>Gets the reference count of an id; 0 if it is not live.</summary>
    public long GetReferencesUnsynchronized(uint id)
    {
        ref Slot slot = ref FindSlot(id);
        if (Unsafe.IsNullRef(ref slot) || !SlotWord.IsLive(slot.Word))
        {
            return 0;
        }

        uint references = SlotWord.References(slot.Word);
        return references == SlotWord.ManyReferences ? _manyReferences![id] : references;
    }

    /// <summary>Sets the reference count of a live id; 0 frees it.</summary>
    public void SetReferencesUnsynchronized(uint id, long references)
    {
        ref Slot slot = ref FindSlot(id);
        if (references == 0)
        {
            End(ref slot, id);
            return;
        }

        if (references >= SlotWord.ManyReferences)
        {
            _hasGrown = true;
            _manyReferences ??= [];
            _manyReferences[id] = references;
        }
        else if (_manyReferences?.Remove(id) == true && _manyReferences.Count == 0 && _manyReferences.EnsureCapacity(0) > MostKeptCounts)
        {
            _manyReferences = null;
        }

        Volatile.Write(ref slot.Word, SlotWord.WithReferences(slot.Word, (uint)Math.Min(references, SlotWord.ManyReferences)));
    }

    /// <summary>Copies all live ids, ascending.</summary>
    public void CopyToUnsynchronized(List<LiveId> ids)
    {
        // No live id is 4294967295, so there is always one behind.
        for (long id = FindLive(0); id >= 0; id = FindLive((uint)id + 1))
        {
            ref Slot slot = ref FindSlot((uint)id);
            ids.Add(new LiveId((uint)id, GetReferencesUnsynchronized((uint)id), FindOwnerOf(slot.Word), slot.Data));
        }
    }

    public bool TryFindLiveUnsynchronized(uint from, out uint id)
    {
        long live = FindLive(from);
        id = (uint)live;
        return live >= 0;
    }

    /// <summary>Frees a live id.</summary>
    private void End(ref Slot slot, uint id)
    {
        _reuse?.Reserve();
        ulong word = slot.Word;
        EndLife(ref slot, word);

        // Only now: a lookup that finds the tag without its owner has to find the life ended, or it would deny the owner.
        RemoveOwnersId(SlotWord.OwnerTag(word));
        LetGo(id);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void EndLife(ref Slot slot, ulong word)
    {
        // The life ends before its data goes, so that a lookup that finds the data gone also finds another word.
        Volatile.Write(ref slot.Word, SlotWord.End(word));
        Volatile.Write(ref slot.Data, null);
        Volatile.Write(ref _frees, _frees + 1);
    }

    /// <summary>A live id with all that is kept of it.</summary>
    internal readonly record struct LiveId(uint Id, long References, IoasidSet? Owner, object? Data);
}

using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>What is kept per id, in 16 bytes: the data, and one word with everything else (<see cref="SlotWord"/>).</summary>
internal struct Slot
{
    public object? Data;
    public ulong Word;
}

/// <summary>
/// The layout of <see cref="Slot.Word"/>: bit 0 live; bits 20..1 owner tag; bits 32..21 references; bits 63..33
/// generation, which counts the lives of the id so that a lookup can tell two lives with the same owner apart.
/// </summary>
internal static class SlotWord
{
    /// <summary>The tag of a table's first owner, which most tables have alone.</summary>
    public const int FirstOwnersTag = 1;

    public const int MaxOwnerTag = (1 << 20) - 1;

    /// <summary>The highest reference count that the word holds; it means that the table of large counts has the true one.</summary>
    public const uint ManyReferences = (1u << 12) - 1;

    /// <summary>Stands where an id has no slot: not live, and like no word that a slot ever has.</summary>
    public const ulong NoSlot = 1ul << ReferenceShift;

    /// <summary>Stands in the slots of a page that was replaced by a copy: what was there before goes on elsewhere.</summary>
    public const ulong Moved = 2ul << ReferenceShift;

    private const uint LiveBit = 1;
    private const int OwnerShift = 1;
    private const int ReferenceShift = 21;
    private const int GenerationShift = 33;
    private const uint LiveAndOwnerMask = (1u << ReferenceShift) - 1;
    private const uint LiveFirstOwners = ((uint)FirstOwnersTag << OwnerShift) | LiveBit;
    private const ulong ReferenceMask = (ulong)ManyReferences << ReferenceShift;
    private const ulong GenerationMask = ulong.MaxValue << GenerationShift;

    /// <summary>What is left of the word without the generation, in the common case: live, one reference, the first owner's.</summary>
    private const ulong Common = (1ul << ReferenceShift) | LiveFirstOwners;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsLive(ulong word) => (word & LiveBit) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsLiveFirstOwners(ulong word) => ((uint)word & LiveAndOwnerMask) == LiveFirstOwners;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsCommon(ulong word) => (word & ~GenerationMask) == Common;

    /// <summary>Tells whether there is a slot, and its id is not live.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsDead(ulong word) => (word & ~GenerationMask) == 0;

    public static int OwnerTag(ulong word) => (int)((uint)word >> OwnerShift) & MaxOwnerTag;

    public static uint References(ulong word) => (uint)(word >> ReferenceShift) & ManyReferences;

    public static ulong WithReferences(ulong word, uint references) =>
        (word & ~ReferenceMask) | ((ulong)references << ReferenceShift);

    /// <summary>The word of the next life, with one reference.</summary>
    public static ulong Begin(ulong deadWord, int ownerTag) =>
        (deadWord & GenerationMask) | (1ul << ReferenceShift) | ((ulong)(uint)ownerTag << OwnerShift) | LiveBit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong BeginCommon(ulong deadWord) => (deadWord & GenerationMask) | Common;

    /// <summary>The word after the end of a life. The generation wraps after 2^31 lives.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong End(ulong liveWord) => ((liveWord >> GenerationShift) + 1) << GenerationShift;

    /// <summary>Tells whether both words belong to one life; reference counts may differ.</summary>
    public static bool IsSameLife(ulong first, ulong second) => ((first ^ second) & ~ReferenceMask) == 0;
}

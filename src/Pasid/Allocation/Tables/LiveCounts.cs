using System.Diagnostics;

namespace Pasid.Internal;

/// <summary>How many ids of a table have become live and free again. Readers take no lock; writers hold the gate of the table.</summary>
internal struct LiveCounts
{
    /// <summary>How many ids have become live. With <see cref="Frees"/> as cheap as a count of the live ones, and it tells more.</summary>
    public long Allocations;

    public long Frees;

    /// <summary>How many live ids are not the first owner's.</summary>
    public uint Others;

    /// <summary>Whether anything was made since a table without live ids was found to have no more than it may keep.</summary>
    public bool HasGrown;

    /// <summary>Gets how many ids are live; the gate is held.</summary>
    public readonly long Live => Allocations - Frees;

    /// <summary>Gets a value indicating whether no live id is the first owner's; the gate is held.</summary>
    public readonly bool AreAllOthers => Live == Others;

    /// <summary>Gets both counts as of one moment, without the gate.</summary>
    public void Read(out long allocations, out long frees)
    {
        do
        {
            frees = Volatile.Read(ref Frees);
            allocations = Volatile.Read(ref Allocations);
        }
        while (frees != Volatile.Read(ref Frees));
    }

    /// <summary>Gets how many ids are live, without the gate.</summary>
    public long ReadLive()
    {
        Read(out long allocations, out long frees);
        return allocations - frees;
    }

    public readonly void CheckOthers(long others, List<TableDamage> damage) =>
        damage.AddIf(others != Others, TableRule.Counts, $"{others} ids belong to others than the first owner and {Others} are counted");

    [Conditional("DEBUG")]
    public readonly void AssertInvariants() =>
        Debug.Assert(Frees >= 0 && Frees <= Allocations && Others <= Live, "More ids were freed, or are others', than are live.");
}

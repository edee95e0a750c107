namespace Pasid.Internal;

/// <summary>Who chooses the ids of a table: the functions of a group, or a policy with what it remembers.</summary>
internal readonly struct IdChoice(CustomGroup? group, bool isLogged, IoasidReusePolicy policy)
{
    /// <summary>Gets the group whose functions choose the ids; <see langword="null"/> for the default allocator.</summary>
    public CustomGroup? Group { get; } = group;

    /// <summary>Gets what the policy remembers; none for lowest first, which remembers nothing.</summary>
    public IoasidReuse? Reuse { get; } = policy.Order == IoasidReuseOrder.LowestFirst ? null : new IoasidReuse(policy);

    /// <summary>Gets a value indicating whether calls must not take the fast way, which neither asks a group or policy nor logs.</summary>
    public bool HasDetour { get; } = group is not null || isLogged || policy.Order != IoasidReuseOrder.LowestFirst;

    public int HeldCount => Reuse?.Count ?? 0;

    /// <summary>Gets where a cyclic search begins; 0 for other policies.</summary>
    public uint Next => Reuse?.Next ?? 0;

    public uint[] Held() => Reuse?.Held() ?? [];

    /// <summary>Finds the free id that the policy gives from a range, or -1.</summary>
    public long Choose(IoasidTable table, IoasidRange range)
    {
        if (Reuse is { IsCyclic: true } reuse && reuse.Next > range.Minimum)
        {
            long free = IdMap.FindFreeIn(table, new IoasidRange(reuse.Next, range.Maximum));
            if (free >= 0)
            {
                return free;
            }
        }

        return IdMap.FindFreeIn(table, range);
    }
}

namespace Pasid.Internal;

/// <summary>
/// What registers with an address space to hear of its exit, and pins it until it unregisters (<c>struct mmu_notifier</c>). Guarded by
/// the gate of the host.
/// </summary>
internal abstract class Notifier(AddressSpace? addressSpace)
{
    /// <summary>Gets the address space; <see langword="null"/> for the supervisor's own, which never exits. Immutable.</summary>
    public AddressSpace? AddressSpace { get; } = addressSpace;

    /// <summary>Gets or sets the neighbours among those of the same address space.</summary>
    public Notifier? Older { get; set; }

    /// <inheritdoc cref="Older"/>
    public Notifier? Newer { get; set; }
}

/// <summary>A list of notifiers through their own links; its head is the newest. Guarded by the gate of the host.</summary>
internal static class NotifierList
{
    public static void Add(ref Notifier? newest, Notifier notifier)
    {
        notifier.Older = newest;
        newest?.Newer = notifier;
        newest = notifier;
    }

    public static void Remove(ref Notifier? newest, Notifier notifier)
    {
        if (notifier.Newer is null)
        {
            newest = notifier.Older;
        }
        else
        {
            notifier.Newer.Older = notifier.Older;
        }

        notifier.Older?.Newer = notifier.Newer;
        notifier.Older = null;
        notifier.Newer = null;
    }
}

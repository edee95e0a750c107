namespace Pasid.Internal;

/// <summary>A list of notifiers through their own links; its head is the newest. Guarded by the gate of the host.</summary>
internal static class NotifierList
{
    public static void Add(ref Notifier? newest, Notifier notifier)
    {
        notifier.Older = newest;
        if (newest is not null)
        {
            newest.Newer = notifier;
        }

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

        if (notifier.Older is not null)
        {
            notifier.Older.Newer = notifier.Newer;
        }

        notifier.Older = null;
        notifier.Newer = null;
    }
}

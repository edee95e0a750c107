namespace Pasid.Internal;

/// <summary>A list of bindings through their own links; its head is the newest. Guarded by the binder's gate.</summary>
internal static class SvmRecordList
{
    public static void Add(ref SvmRecord? newest, SvmRecord record)
    {
        record.Older = newest;
        if (newest is not null)
        {
            newest.Newer = record;
        }

        newest = record;
    }

    public static void Remove(ref SvmRecord? newest, SvmRecord record)
    {
        if (record.Newer is null)
        {
            newest = record.Older;
        }
        else
        {
            record.Newer.Older = record.Older;
        }

        if (record.Older is not null)
        {
            record.Older.Newer = record.Newer;
        }

        record.Older = null;
        record.Newer = null;
    }
}

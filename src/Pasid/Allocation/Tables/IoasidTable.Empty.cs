namespace Pasid.Internal;

/// <content>
/// What is given back. When no id at all is taken and more than <see cref="MostKeptBytes"/> is there, the table begins anew; with
/// less it keeps what it has, so that lone ids that come and go anywhere make nothing.
/// </content>
internal sealed partial class IoasidTable
{
    /// <summary>How much memory is kept without a taken id: with the allocator around it below 64 KB.</summary>
    public const int MostKeptBytes = 63 * 1024;

    /// <summary>Gets a value indicating whether no id is live or held back.</summary>
    public bool IsEmpty => Counts.Live == 0 && Choice.HeldCount == 0;

    /// <summary>Gets how many bytes are there, about, if no id is taken.</summary>
    public long KeptBytes => Pages.Bytes + Ids.Bytes + Owners.Bytes + References.Bytes;

    /// <summary>Keeps a page if none of its ids is taken, and gives back what is kept too long or too much.</summary>
    private void RetirePage(uint page)
    {
        if (Pages.Retire(page, ref Ids) && Counts.HasGrown && IsEmpty)
        {
            ShrinkEmpty();
        }
    }

    /// <summary>Gives back what an empty table has beyond what it may keep; only the counts and the first owner always stay.</summary>
    private void ShrinkEmpty()
    {
        long kept = KeptBytes;
        while (kept > MostKeptBytes && Pages.TryDropEmpty(ref Ids))
        {
            kept = KeptBytes;
        }

        if (kept > MostKeptBytes)
        {
            Pages.Reset();
            Owners.Reset();
            References = default;
            Ids = new IdMap();
        }

        Counts.HasGrown = false;
    }
}

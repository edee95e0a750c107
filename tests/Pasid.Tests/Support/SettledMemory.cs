namespace Pasid.Tests.Support;

/// <summary>What the heap holds once nothing goes from it any more: finalizers and weak references take more than one collection.</summary>
internal static class SettledMemory
{
    private const int MostRounds = 20;

    /// <summary>How many rounds in a row have to bring nothing.</summary>
    private const int QuietRounds = 3;

    public static long Measure()
    {
        long lowest = long.MaxValue;
        for (int round = 0, quiet = 0; round < MostRounds && quiet < QuietRounds; round++)
        {
            GC.WaitForPendingFinalizers();
            long now = GC.GetTotalMemory(forceFullCollection: true);
            quiet = now < lowest ? 0 : quiet + 1;
            lowest = Math.Min(lowest, now);
        }

        return lowest;
    }
}

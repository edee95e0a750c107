using System.Diagnostics;

namespace Pasid.Internal;

/// <summary>
/// Counts the words of the bitmaps that an operation reads or writes, so that a test can say how much work an operation
/// is without timing it. Debug builds only; elsewhere nothing is counted and nothing is compiled in.
/// </summary>
internal static class WordCount
{
    [ThreadStatic]
    private static long s_words;

    /// <summary>Gets how many words this thread has touched; 0 where nothing is counted.</summary>
    public static long Words => s_words;

    [Conditional("DEBUG")]
    public static void Touch(int words) => s_words += words;
}

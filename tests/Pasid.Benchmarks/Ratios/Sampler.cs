using System.Diagnostics;

namespace Pasid.Benchmarks.Ratios;

/// <summary>Measures two pieces of work in turn in one process, so that whatever the machine does hits both.</summary>
internal static class Sampler
{
    private const int Rounds = 15;

    /// <summary>Long enough to go over 100,000 ids several times: the other side has emptied the caches before.</summary>
    private static readonly TimeSpan s_sample = TimeSpan.FromMilliseconds(20);

    /// <summary>Divides the time of one operation of <paramref name="left"/> by that of <paramref name="right"/>.</summary>
    /// <param name="left">Carries out so many operations.</param>
    /// <param name="right">Carries out so many operations.</param>
    /// <returns>The ratio of the medians.</returns>
    public static double Ratio(Action<int> left, Action<int> right)
    {
        int leftCount = Calibrate(left);
        int rightCount = Calibrate(right);
        double[] lefts = new double[Rounds];
        double[] rights = new double[Rounds];
        for (int round = 0; round < Rounds; round++)
        {
            lefts[round] = Time(left, leftCount) / leftCount;
            rights[round] = Time(right, rightCount) / rightCount;
        }

        return Median(lefts) / Median(rights);
    }

    /// <summary>Measures throughputs: how many operations a second each configuration does, medians of interleaved samples.</summary>
    public static double[] Throughputs(params Func<double>[] configurations)
    {
        const int ThroughputRounds = 7;
        double[][] samples = [.. configurations.Select(_ => new double[ThroughputRounds])];
        for (int round = 0; round < ThroughputRounds; round++)
        {
            for (int i = 0; i < configurations.Length; i++)
            {
                samples[i][round] = configurations[i]();
            }
        }

        return [.. samples.Select(Median)];
    }

    public static double Median(double[] values)
    {
        double[] sorted = [.. values];
        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }

    /// <summary>Times one call, in seconds.</summary>
    public static double Time(Action<int> work, int count)
    {
        long start = Stopwatch.GetTimestamp();
        work(count);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static void WarmUp(Action<int> work)
    {
        for (int i = 0; i < 60; i++)
        {
            work(200);
        }
    }

    /// <summary>Finds how many operations fill a sample; on the way the code reaches its last tier.</summary>
    private static int Calibrate(Action<int> work)
    {
        double last = double.MaxValue;
        for (int tier = 0; tier < 12; tier++)
        {
            double seconds = Time(_ => WarmUp(work), 0);
            if (tier >= 4 && seconds > last * 0.9)
            {
                break;
            }

            // The compiler works beside us, 100 ms after the last method of the tier below was called first; on a busy
            // machine it may need more rounds, until they are no longer faster than the one before.
            last = seconds;
            Thread.Sleep(130);
        }

        int count = 500;
        while (true)
        {
            double seconds = Time(work, count);
            if (seconds >= s_sample.TotalSeconds / 2)
            {
                return Math.Max(200, (int)(count * (s_sample.TotalSeconds / seconds)));
            }

            count *= 2;
        }
    }
}

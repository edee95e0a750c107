using System.Diagnostics;
using System.Globalization;
using Pasid.Internal;

namespace Pasid.Benchmarks.Gates;

/// <summary><c>gates</c>: compares the library's gate with what .NET offers, alone and with more threads than processors.</summary>
internal static class GateCommand
{
    private static readonly TimeSpan s_window = TimeSpan.FromSeconds(1);

    public static int Run()
    {
        Console.WriteLine("gate       threads   ns/section   p50 ns   p99.9 ns    worst us   smallest share %");
        foreach (int threads in new[] { 1, 2, 4 })
        {
            Measure("spin word", new SpinWord(), threads);
            Measure("SpinLock", new SpinLockSection(), threads);
            Measure("Monitor", new MonitorSection(), threads);
            Measure("Lock", new LockSection(), threads);
        }

        return 0;
    }

    private static void Measure<TSection>(string name, TSection section, int threads)
        where TSection : class, ISection
    {
        Run(section, threads, TimeSpan.FromMilliseconds(200));
        Result[] results = Run(section, threads, s_window);
        long total = results.Sum(result => result.Sections);
        double seconds = results.Max(result => result.Seconds);
        double[] latencies = [.. results.SelectMany(result => result.Latencies)];
        Array.Sort(latencies);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-10} {threads,7} {seconds * 1e9 / total,12:0.0} {At(latencies, 0.5),8:0} {At(latencies, 0.999),10:0} {latencies[^1] / 1e3,11:0} {100.0 * results.Min(result => result.Sections) / total,18:0.0}"));
    }

    private static double At(double[] sorted, double quantile) => sorted[(int)((sorted.Length - 1) * quantile)];

    private static Result[] Run<TSection>(TSection section, int threads, TimeSpan window)
        where TSection : class, ISection
    {
        var results = new Result[threads];
        using var start = new Barrier(threads);
        bool stop = false;
        Thread[] workers = [.. Enumerable.Range(0, threads).Select(index => new Thread(() =>
        {
            var latencies = new List<double>(1 << 20);
            long sections = 0;
            start.SignalAndWait();
            long begin = Stopwatch.GetTimestamp();
            while (!Volatile.Read(ref stop))
            {
                // One section in 64 is timed by itself: the clock costs more than the section.
                for (int i = 0; i < 63; i++)
                {
                    section.Pass();
                }

                long before = Stopwatch.GetTimestamp();
                section.Pass();
                latencies.Add(Stopwatch.GetElapsedTime(before).TotalNanoseconds);
                sections += 64;
            }

            results[index] = new Result(sections, Stopwatch.GetElapsedTime(begin).TotalSeconds, latencies);
        }))];
        foreach (Thread worker in workers)
        {
            worker.Start();
        }

        Thread.Sleep(window);
        Volatile.Write(ref stop, true);
        foreach (Thread worker in workers)
        {
            worker.Join();
        }

        return results;
    }

    private interface ISection
    {
        /// <summary>Goes through a section as short as those of the allocator.</summary>
        void Pass();
    }

    private sealed record Result(long Sections, double Seconds, List<double> Latencies);

    private sealed class SpinWord : ISection
    {
        private Gate _gate = new();
        private int _a;
        private int _b;

        public void Pass()
        {
            _gate.Enter();
            _a++;
            _b++;
            _gate.Leave();
        }
    }

    private sealed class SpinLockSection : ISection
    {
        private SpinLock _gate = new(enableThreadOwnerTracking: false);
        private int _a;
        private int _b;

        public void Pass()
        {
            bool isTaken = false;
            _gate.Enter(ref isTaken);
            _a++;
            _b++;
            _gate.Exit(useMemoryBarrier: false);
        }
    }

    private sealed class MonitorSection : ISection
    {
        private readonly object _gate = new();
        private int _a;
        private int _b;

        public void Pass()
        {
            lock (_gate)
            {
                _a++;
                _b++;
            }
        }
    }

    private sealed class LockSection : ISection
    {
        private readonly Lock _gate = new();
        private int _a;
        private int _b;

        public void Pass()
        {
            lock (_gate)
            {
                _a++;
                _b++;
            }
        }
    }
}

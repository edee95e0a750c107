using System.Diagnostics;
using System.Globalization;

namespace Pasid.Tests.Support;

/// <summary>
/// Makes calls on one system from several threads at once, and asks whether one thread could have made them in some order
/// that respects which call ended before which began, with the same answers and the same end.
/// </summary>
/// <typeparam name="TSystem">What is called.</typeparam>
internal sealed class ConcurrentCalls<TSystem> : IDisposable
{
    private readonly Thread[] _threads;
    private readonly Barrier _begin;
    private readonly Barrier _end;
    private readonly Made[][] _made;
    private readonly Call[][] _calls;
    private TSystem _system = default!;
    private int _ready;
    private bool _isOver;

    public ConcurrentCalls(int threads)
    {
        _begin = new Barrier(threads + 1);
        _end = new Barrier(threads + 1);
        _made = new Made[threads][];
        _calls = new Call[threads][];
        _threads = [.. Enumerable.Range(0, threads).Select(index => new Thread(() => Work(index)) { IsBackground = true })];
        foreach (Thread thread in _threads)
        {
            thread.Start();
        }
    }

    /// <summary>Makes the calls, one list a thread.</summary>
    /// <param name="system">A system in its first state.</param>
    /// <param name="model">Makes systems in the same state, on which the calls are repeated in order.</param>
    /// <param name="calls">A list for each thread.</param>
    /// <param name="state">Describes the end.</param>
    /// <returns><see langword="null"/> if some order explains everything; otherwise what was called and answered.</returns>
    public string? Refute<TModel>(TSystem system, Func<TModel> model, Call[][] calls, Func<TSystem, string> state)
        where TModel : TSystem
    {
        _system = system;
        calls.CopyTo(_calls, 0);
        _ready = 0;
        _begin.SignalAndWait();
        _end.SignalAndWait();
        string end = state(system);
        var order = new List<Made>();
        if (Explains(order, new int[calls.Length], end, () => model(), state))
        {
            return null;
        }

        IEnumerable<string> lines = _made.SelectMany((made, thread) => made.Select(m => (m.Start, Line: string.Create(CultureInfo.InvariantCulture, $"{m.Start} .. {m.End} thread {thread}: {m.Call.Name} -> {m.Answer}"))))
            .OrderBy(line => line.Start).Select(line => line.Line);
        return $"No order of one thread explains:\n{string.Join('\n', lines)}\nand at the end:\n{end}";
    }

    public void Dispose()
    {
        _isOver = true;
        _begin.SignalAndWait();
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        _begin.Dispose();
        _end.Dispose();
    }

    private bool Explains(List<Made> order, int[] next, string end, Func<TSystem> model, Func<TSystem, string> state)
    {
        long firstEnd = long.MaxValue;
        for (int thread = 0; thread < next.Length; thread++)
        {
            if (next[thread] < _made[thread].Length)
            {
                firstEnd = Math.Min(firstEnd, _made[thread][next[thread]].End);
            }
        }

        if (firstEnd == long.MaxValue)
        {
            return state(Replay(order, model)) == end;
        }

        for (int thread = 0; thread < next.Length; thread++)
        {
            if (next[thread] == _made[thread].Length || _made[thread][next[thread]].Start > firstEnd)
            {
                continue;
            }

            Made made = _made[thread][next[thread]];
            if (made.Call.Run(Replay(order, model)) != made.Answer)
            {
                continue;
            }

            order.Add(made);
            next[thread]++;
            if (Explains(order, next, end, model, state))
            {
                return true;
            }

            order.RemoveAt(order.Count - 1);
            next[thread]--;
        }

        return false;
    }

    private static TSystem Replay(List<Made> order, Func<TSystem> model)
    {
        TSystem system = model();
        foreach (Made made in order)
        {
            made.Call.Run(system);
        }

        return system;
    }

    private void Work(int index)
    {
        while (true)
        {
            _begin.SignalAndWait();
            if (_isOver)
            {
                return;
            }

            Call[] calls = _calls[index];
            var made = new Made[calls.Length];
            Interlocked.Increment(ref _ready);
            var spinner = default(SpinWait);
            while (Volatile.Read(ref _ready) != _threads.Length)
            {
                spinner.SpinOnce(sleep1Threshold: -1);
            }

            for (int i = 0; i < calls.Length; i++)
            {
                long start = Stopwatch.GetTimestamp();
                string answer = calls[i].Run(_system);
                made[i] = new Made(calls[i], answer, start, Stopwatch.GetTimestamp());
            }

            _made[index] = made;
            _end.SignalAndWait();
        }
    }

    internal sealed record Call(string Name, Func<TSystem, string> Run);

    private readonly record struct Made(Call Call, string Answer, long Start, long End);
}

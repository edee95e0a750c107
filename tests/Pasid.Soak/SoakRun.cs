using System.Collections.Concurrent;
using System.Diagnostics;

namespace Pasid.Soak;

/// <summary>
/// Threads that use one host at once. In each round every thread makes its calls and then parks; while all are parked, what
/// they left is unbound and exited, nothing may be left, and the host has to be whole. What one thread bound it hands to
/// another to unbind.
/// </summary>
public sealed class SoakRun : IDisposable
{
    private const int CallsPerRound = 1_000;
    private const int WarmUpRounds = 5;

    private readonly KernelProfile _profile;
    private readonly IoasidAllocator _allocator;
    private readonly SvmBinder _binder;
    private readonly SvmDevice[] _devices;
    private readonly Worker[] _workers;
    private readonly Barrier _begin;
    private readonly Barrier _end;
    private readonly ConcurrentQueue<string> _failures = new();

    /// <summary>What threads hand to each other, one place a pair of them.</summary>
    private readonly SvmBinding?[] _handed;

    private bool _isOver;

    /// <summary>Makes a host and its threads, which wait.</summary>
    /// <param name="profile">The kernel.</param>
    /// <param name="policy">Which free id is given.</param>
    /// <param name="threads">How many threads.</param>
    /// <param name="seed">Of their choices.</param>
    public SoakRun(KernelProfile profile, IoasidReusePolicy policy, int threads, int seed)
    {
        _profile = profile;
        _allocator = new IoasidAllocator(policy);
        _binder = new SvmBinder(_allocator, new PasidOptions { Profile = profile, PasidLimit = 1 << 12 });
        var near = new Iommu("near");
        var far = new Iommu("far");
        _devices = [new SvmDevice("d0", near), new SvmDevice("d1", near) { MaxPasids = 1 << 11 }, new SvmDevice("d2", far) { HasAts = true }];
        _handed = new SvmBinding?[threads];
        _begin = new Barrier(threads + 1);
        _end = new Barrier(threads + 1);
        _workers = [.. Enumerable.Range(0, threads).Select(index => new Worker(this, index, new Random((seed * 100) + index)))];
        foreach (Worker worker in _workers)
        {
            worker.Start();
        }
    }

    /// <summary>Goes on for a time, or until something is wrong.</summary>
    /// <param name="time">At least so long.</param>
    /// <returns>How it went.</returns>
    public SoakReport Run(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        int rounds = 0;
        long first = 0;
        do
        {
            _begin.SignalAndWait();
            _end.SignalAndWait();
            rounds++;
            CheckRound();
            if (rounds == WarmUpRounds)
            {
                first = GC.GetTotalMemory(forceFullCollection: true);
            }
        }
        while ((Stopwatch.GetElapsedTime(start) < time || rounds < 2 * WarmUpRounds) && _failures.IsEmpty);

        long last = GC.GetTotalMemory(forceFullCollection: true);
        const long Slack = 1 << 20;
        if (last > (first * 3 / 2) + Slack)
        {
            _failures.Enqueue($"memory grew from {first} to {last} bytes");
        }

        return new SoakReport(rounds, _workers.Sum(worker => worker.Calls), _workers.Sum(worker => worker.Lookups), first, last, _failures.IsEmpty ? null : string.Join('\n', _failures.Take(20)));
    }

    /// <summary>Ends the threads and the host.</summary>
    public void Dispose()
    {
        _isOver = true;
        _begin.SignalAndWait();
        foreach (Worker worker in _workers)
        {
            worker.Join();
        }

        _binder.Dispose();
        _begin.Dispose();
        _end.Dispose();
    }

    private bool LosesPasids => _profile.Has(KernelQuirks.PrivateAndSupervisorPasidsLeak);

    private void CheckRound()
    {
        for (int i = 0; i < _handed.Length; i++)
        {
            _handed[i]?.Dispose();
            _handed[i] = null;
        }

        foreach (Worker worker in _workers)
        {
            worker.LeaveNothing();
        }

        foreach (IntegrityFinding finding in _binder.CheckIntegrity())
        {
            if (finding.Quirk == KernelQuirks.None)
            {
                _failures.Enqueue(finding.ToString());
            }
        }

        int leaked = _binder.GetLeakedPasids().Count;
        if (_allocator.LiveCount != leaked || _binder.GetBindings().Count != 0)
        {
            _failures.Enqueue($"{_allocator.LiveCount} ids and {_binder.GetBindings().Count} bindings are left when all have gone, {leaked} leaked");
        }
    }

    /// <summary>Whose an id is, told by its data.</summary>
    private sealed record Token(Ioasid Id, IoasidSet Owner);

    private sealed class Worker(SoakRun run, int index, Random random)
    {
        /// <summary>Above all PASIDs of the binder, so that the two do not meet.</summary>
        private static readonly IoasidRange s_ids = new(1 << 12, (1 << 12) + 600);

        private readonly IoasidSet _owner = new($"owner {index}");
        private readonly List<SvmBinding> _bindings = [];
        private readonly List<Ioasid> _ids = [];
        private AddressSpace? _space;
        private Thread? _thread;

        public long Calls { get; private set; }

        public long Lookups { get; private set; }

        public void Start()
        {
            _thread = new Thread(Work) { IsBackground = true };
            _thread.Start();
        }

        public void Join() => _thread!.Join();

        public void LeaveNothing()
        {
            _bindings.ForEach(binding => binding.Dispose());
            _bindings.Clear();
            foreach (Ioasid id in _ids)
            {
                run._allocator.Free(id);
            }

            _ids.Clear();
            _space?.Exit();
            _space = null;
        }

        private void Work()
        {
            while (true)
            {
                run._begin.SignalAndWait();
                if (run._isOver)
                {
                    return;
                }

                try
                {
                    for (int call = 0; call < CallsPerRound; call++)
                    {
                        Calls++;
                        Step();
                    }
                }
#pragma warning disable CA1031 // Whatever it is, it is the finding.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    run._failures.Enqueue($"thread {index}: {exception}");
                }

                run._end.SignalAndWait();
            }
        }

        private void Step()
        {
            switch (random.Next(100))
            {
                case < 20:
                    Bind();
                    break;
                case < 34:
                    Unbind();
                    break;
                case < 37:
                    _space?.Exit();
                    _space = null;
                    break;
                case < 39 when _space is not null && !run._profile.Has(KernelQuirks.ForkCopiesPasid):
                    AddressSpace child = _space.Fork("child");
                    child.Exit();
                    break;
                case < 52:
                    HandOver();
                    break;
                case < 60:
                    Allocate();
                    break;
                case < 67:
                    Free();
                    break;
                case < 68:
                    Capture();
                    break;
                default:
                    LookUp();
                    break;
            }
        }

        private void Bind()
        {
            _space ??= run._binder.CreateAddressSpace("space");
            SvmBindFlags flags = random.Next(8) switch { 0 => SvmBindFlags.Private, 1 => SvmBindFlags.Supervisor, _ => SvmBindFlags.None };
            if (_bindings.Count < 20 && !(flags != SvmBindFlags.None && run.LosesPasids && random.Next(100) != 0))
            {
                try
                {
                    _bindings.Add(run._binder.Bind(run._devices[random.Next(run._devices.Length)], _space, flags));
                }
                catch (PasidException exception) when (exception.Status == PasidStatus.NoSpace && run.LosesPasids)
                {
                    // What the quirk loses is lost for the whole run.
                }
            }
        }

        private void Unbind()
        {
            if (_bindings.Count != 0)
            {
                int at = random.Next(_bindings.Count);
                _bindings[at].Dispose();
                _bindings.RemoveAt(at);
            }
        }

        /// <summary>Gives a binding to the next thread, and undoes the one that lies here for this.</summary>
        private void HandOver()
        {
            Interlocked.Exchange(ref run._handed[index], null)?.Dispose();
            if (_bindings.Count != 0)
            {
                SvmBinding given = _bindings[^1];
                _bindings.RemoveAt(_bindings.Count - 1);
                Interlocked.Exchange(ref run._handed[(index + 1) % run._handed.Length], given)?.Dispose();
            }
        }

        private void Allocate()
        {
            // The data names the id, so it is known only afterwards; until then look-ups find none.
            if (_ids.Count < 100 && run._allocator.TryAllocate(s_ids, _owner, data: null, out Ioasid id))
            {
                run._allocator.SetData(id, new Token(id, _owner));
                _ids.Add(id);
            }
        }

        private void Free()
        {
            if (_ids.Count != 0)
            {
                int at = random.Next(_ids.Count);
                PasidStatus status = run._allocator.Free(_ids[at]);
                _ids.RemoveAt(at);
                if (status != PasidStatus.Success)
                {
                    run._failures.Enqueue($"thread {index}: its own id was answered {status} at its free");
                }
            }
        }

        private void Capture()
        {
            PasidSnapshot snapshot = run._binder.CaptureSnapshot(new PasidSnapshotMap { NameData = static _ => "token" });
            if (snapshot.File.LiveCount != snapshot.LiveCount || snapshot.File.Bindings.Any(binding => snapshot.File.Ids.All(id => id.Id != binding.Pasid)))
            {
                run._failures.Enqueue($"thread {index}: a snapshot has bindings without ids");
            }
        }

        private void LookUp()
        {
            var id = new Ioasid(s_ids.Minimum + (uint)random.Next(400));
            if (run._allocator.Lookup(id, out object? data) == PasidStatus.Success && data is not null)
            {
                Lookups++;
                if (((Token)data).Id != id)
                {
                    run._failures.Enqueue($"id {id} answered with the data of id {((Token)data).Id}");
                }
            }

            if (run._allocator.Lookup(id, _owner, out data) == PasidStatus.Success && data is not null)
            {
                Lookups++;
                if (!ReferenceEquals(((Token)data).Owner, _owner))
                {
                    run._failures.Enqueue($"id {id} of {((Token)data).Owner} answered {_owner}");
                }
            }

            if (_ids.Count != 0 && (run._allocator.Lookup(_ids[0], _owner, out data) != PasidStatus.Success || data is not Token { } own || own.Id != _ids[0]))
            {
                run._failures.Enqueue($"thread {index}: its own id {_ids[0]} was not found");
            }

            // While it holds a binding nobody else can end it: its PASID leads to its address space.
            if (_bindings.Count != 0 && _bindings[0] is { AddressSpace: { } space } binding)
            {
                Lookups++;
                if (run._binder.Lookup(binding.Pasid, out AddressSpace? found) != PasidStatus.Success || !ReferenceEquals(found, space))
                {
                    run._failures.Enqueue($"PASID {binding.Pasid} of {space} led to {found}");
                }
            }
        }
    }
}

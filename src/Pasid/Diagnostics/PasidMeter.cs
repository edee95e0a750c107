using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Pasid.Internal;

/// <summary>
/// The instruments of one meter, once for all binders that report to it. All are observable: they cost nothing until somebody
/// collects, and then read what allocators and binders count anyway.
/// </summary>
/// <remarks>
/// <para>Figures with the same tags are sums. What a disposed binder counted stays in them, so that they never go back, and so that whoever
/// collects after the end gets the last ones. An allocator that several binders share, at once or one after the other, counts once.</para>
/// <para>A meter has no place for anything but instruments, and nothing may be static: the first instrument of a meter has the object of
/// that meter as the value of a tag.</para>
/// <para>Nothing is called out of while the gate is held.</para>
/// </remarks>
internal sealed class PasidMeter
{
    public const string MeterName = "Pasid";

    /// <summary>So many hosts without a binder are remembered: as many series as collectors keep apart by default.</summary>
    private const int MostGone = 2000;

    private const string VersionTag = "pasid.version";
    private const string HostTag = "pasid.host";
    private const string ErrorTag = "error.type";

    private readonly Meter _origin;
    private readonly Meter _meter;
    private readonly MeterLife _life;
    private readonly List<Instrument> _instruments = [];

    /// <summary>Guards all below.</summary>
    private readonly object _gate = new();

    private readonly Dictionary<string, Host> _hosts = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<IoasidAllocator, AllocatorCounts> _allocators = [];
    private int _live;
    private int _liveToPrune = 16;
    private long _retirements;
    private bool _isLingering;
    private bool _hasEnded;

    private PasidMeter(Meter origin, MeterLife life)
    {
        _origin = origin;
        _life = life;
#pragma warning disable CA2000 // Ended when nobody reports and nobody listens.
        _meter = life == MeterLife.Lasting
            ? new Meter(new MeterOptions(origin.Name) { Version = origin.Version, Tags = origin.Tags, Scope = origin.Scope })
            : origin;
#pragma warning restore CA2000

        // First: a listener that makes a binder when it is told of an instrument has to find this.
        UpDown("pasid.allocator.active", static binders => binders.Select(b => b.Allocator).Distinct<IIoasidAllocator>(ReferenceEqualityComparer.Instance).Sum(a => a.LiveCount), "{pasid}", "Ids that are live.", [new(VersionTag, new Anchor(this))]);
        _instruments.Add(_meter.CreateObservableGauge("pasid.allocator.capacity", () => Observe(host => Now(host, Capacity)), "{pasid}", "PASIDs that the host has."));
        Counter("pasid.allocator.allocations", PasidCount.Allocations, "{allocation}", "Ids that were allocated.");
        Counter("pasid.allocator.frees", PasidCount.Frees, "{free}", "Ids that became free again.");
        Failures("pasid.allocator.failures", PasidCount.AllocatorFailures, "Calls of the allocator that failed, by status.");
        UpDown("pasid.svm.bindings", static binders => binders.Sum(b => b.GetStatistics().Bindings), "{binding}", "PASIDs with an address space behind them.");
        UpDown("pasid.svm.address_spaces", static binders => binders.Sum(b => b.GetStatistics().AddressSpaces), "{address_space}", "Address spaces that have a PASID or a binding.");
        Counter("pasid.svm.binds", PasidCount.Binds, "{bind}", "Binds that succeeded.");
        Counter("pasid.svm.unbinds", PasidCount.Unbinds, "{unbind}", "Binds that were undone.");
        Failures("pasid.svm.failures", PasidCount.BinderFailures, "Calls of the binder that failed, by status.");
        Counter("pasid.enqcmd.commands", PasidCount.Commands, "{command}", "Commands that devices took.");
        Counter("pasid.enqcmd.retries", PasidCount.Retries, "{command}", "Commands that devices did not take.");
        Counter("pasid.enqcmd.faults", PasidCount.Faults, "{fault}", "ENQCMD and ENQCMDS that ended with a fault.");
        Counter("pasid.enqcmd.fixups", PasidCount.Fixups, "{fixup}", "PASIDs that were loaded into the register of a thread.");
        Counter("pasid.page_request.requests", PasidCount.Requests, "{request}", "Page requests that were handled.");
        Counter("pasid.page_request.responses", PasidCount.Responses, "{response}", "Responses that page requests got.");
        Counter("pasid.page_request.overflows", PasidCount.Overflows, "{request}", "Page requests that found the queue full.");
    }

    /// <summary>How long a meter lives.</summary>
    private enum MeterLife
    {
        /// <summary>As long as its binder.</summary>
        Own,

        /// <summary>As long as the factory wants it to.</summary>
        Factory,

        /// <summary>As long as a binder reports or somebody listens, whatever becomes of the factory.</summary>
        Lasting,
    }

    /// <summary>Makes a binder report to the meter of a factory.</summary>
    /// <param name="metrics">The part of the binder.</param>
    /// <param name="factory">The factory; <see langword="null"/> to make a meter for this binder alone.</param>
    /// <returns>Where it reports.</returns>
    public static PasidMeter Register(PasidMetrics metrics, IMeterFactory? factory)
    {
        string version = typeof(PasidMeter).Assembly.GetName().Version!.ToString(3);
#pragma warning disable CA2000 // A factory disposes the meters it made; one's own ends with its binder.
#pragma warning disable CA1508 // A factory may be anybody's, and answer what it must not.
        if (factory is null)
        {
            var own = new PasidMeter(new Meter(MeterName, version), MeterLife.Own);
            own.TryAdd(metrics);
            return own;
        }

        Meter origin = factory.Create(MeterName, version)
            ?? throw new InvalidOperationException($"The meter factory {factory.GetType()} answered null: it has to answer a meter.");
#pragma warning restore CA1508
#pragma warning restore CA2000
        MeterLife life = factory is LastingMeterFactory ? MeterLife.Lasting : MeterLife.Factory;
        using (Uninterruptible.Lock(origin))
        {
            if (Find(origin, life) is { } known && known.TryAdd(metrics))
            {
                return known;
            }

            var meter = new PasidMeter(origin, life);
            meter.TryAdd(metrics);
            return meter;
        }
    }

    /// <summary>Takes the last figures of a binder, which reports no more, and ends the meter if it was the last one of it.</summary>
    public void Retire(PasidMetrics metrics, IMeteredHost binder)
    {
        try
        {
            TakeLast(metrics, binder);
        }
        finally
        {
            if (_life == MeterLife.Own)
            {
                _meter.Dispose();
            }
            else if (_life == MeterLife.Lasting && !TryEnd())
            {
                Linger();
            }
        }
    }

    /// <summary>Makes the figures of a binder past ones. A second call does nothing.</summary>
    private void TakeLast(PasidMetrics metrics, IMeteredHost binder)
    {
        PasidTally figures = PasidTally.Of(binder.GetStatistics());
        var allocator = binder.Allocator as IoasidAllocator;
        PasidTally? ids = allocator is null ? null : PasidTally.Of(allocator.GetStatistics());
        using (Uninterruptible.Lock(_gate))
        {
            if (metrics.IsOver)
            {
                return;
            }

            metrics.IsOver = true;
            if (!_hosts.TryGetValue(metrics.HostName, out Host? host))
            {
                return;
            }

            host.Live.Remove(metrics);
            _live--;
            host.Past = host.Past.Plus(figures);
            if (allocator is not null)
            {
                AllocatorCounts counts = _allocators.GetOrCreateValue(allocator);
                counts.Seen = counts.Seen.Max(ids!);
                if (!host.Live.Exists(other => ReferenceEquals(other.Binder?.Allocator, allocator)))
                {
                    host.Past = host.Past.Plus(counts.Seen.Minus(counts.PastOf(host)));
                    counts.Past[host] = counts.Seen;
                }
            }

            host.LastRetirement = ++_retirements;
            ForgetOldest();
        }
    }

    private static long Capacity(IMeteredHost[] binders) => binders
        .GroupBy(b => b.Allocator, ReferenceEqualityComparer.Instance)
        .Sum(sharers => sharers.Max(b => (long)b.GetStatistics().Capacity));

    /// <summary>Looks through the first instruments of all meters for the object behind one; the origin is locked.</summary>
    private static PasidMeter? Find(Meter origin, MeterLife life)
    {
        PasidMeter? found = null;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                foreach (KeyValuePair<string, object?> tag in instrument.Tags ?? [])
                {
                    if (tag.Value is Anchor { Meter: { } meter } && ReferenceEquals(meter._origin, origin) && meter._life == life && !Volatile.Read(ref meter._hasEnded))
                    {
                        found = meter;
                    }
                }
            },
        };
        listener.Start();
        return found;
    }

    private void Counter(string name, PasidCount count, string unit, string description) => _instruments.Add(_meter.CreateObservableCounter(
        name,
        () => Observe(host => host.HasPart(count) ? [new Measurement<long>(Total(host).Get(count), host.Tags)] : []),
        unit,
        description));

    private void Failures(string name, PasidCount count, string description) => _instruments.Add(_meter.CreateObservableCounter(
        name,
        () => Observe(host => Total(host).GetFailures(count).Select(failure => new Measurement<long>(failure.Count, [.. host.Tags, new(ErrorTag, failure.Error)]))),
        "{failure}",
        description));

    private void UpDown(string name, Func<IMeteredHost[], long> read, string unit, string description, KeyValuePair<string, object?>[]? tags = null) => _instruments.Add(_meter.CreateObservableUpDownCounter(
        name,
        () => Observe(host => Now(host, read)),
        unit,
        description,
        tags ?? []));

    private static IEnumerable<Measurement<long>> Now(Picture host, Func<IMeteredHost[], long> read) => [new(read(host.Binders), host.Tags)];

    /// <summary>Sums what was counted: by the binders of a host, by those it had, and by their allocators.</summary>
    private PasidTally Total(Picture host)
    {
        PasidTally total = host.Past;
        foreach (IMeteredHost binder in host.Binders)
        {
            total = total.Plus(PasidTally.Of(binder.GetStatistics()));
        }

        foreach ((IoasidAllocator allocator, PasidTally past) in host.Allocators)
        {
            PasidTally ids = PasidTally.Of(allocator.GetStatistics());
            using (Uninterruptible.Lock(_gate))
            {
                AllocatorCounts counts = _allocators.GetOrCreateValue(allocator);
                counts.Seen = counts.Seen.Max(ids);
                total = total.Plus(counts.Seen.Minus(past));
            }
        }

        return total;
    }

    /// <summary>Measures each host. What goes wrong with one is passed on once the others are measured.</summary>
    private IEnumerable<Measurement<long>> Observe(Func<Picture, IEnumerable<Measurement<long>>> measure)
    {
        ExceptionDispatchInfo? failure = null;
        foreach (Picture host in TakePictures(ref failure))
        {
            foreach (Measurement<long> measurement in Try(host, measure, ref failure))
            {
                yield return measurement;
            }
        }

        failure?.Throw();
    }

#pragma warning disable CA1031 // Passed on later, whatever it is.
    private static Measurement<long>[] Try(Picture host, Func<Picture, IEnumerable<Measurement<long>>> measure, ref ExceptionDispatchInfo? failure)
    {
        try
        {
            return [.. measure(host)];
        }
        catch (Exception exception)
        {
            failure ??= ExceptionDispatchInfo.Capture(exception);
            return [];
        }
    }

    /// <summary>Pictures all hosts as of one moment.</summary>
    private List<Picture> TakePictures(ref ExceptionDispatchInfo? failure)
    {
        // A binder whose disposal threw before it came to its metrics has its last figures nevertheless.
        foreach ((PasidMetrics metrics, IMeteredHost binder) in CollectDisposed())
        {
            try
            {
                TakeLast(metrics, binder);
            }
            catch (Exception exception)
            {
                failure ??= ExceptionDispatchInfo.Capture(exception);
            }
        }

        using (Uninterruptible.Lock(_gate))
        {
            Prune();
            return [.. _hosts.Select(host => new Picture(host.Key, host.Value, _allocators))];
        }
    }
#pragma warning restore CA1031

    private List<(PasidMetrics Metrics, IMeteredHost Binder)> CollectDisposed()
    {
        List<(PasidMetrics, IMeteredHost)> disposed = [];
        using (Uninterruptible.Lock(_gate))
        {
            foreach (PasidMetrics metrics in _hosts.Values.SelectMany(static host => host.Live))
            {
                if (metrics.Binder is { IsDisposed: true } binder)
                {
                    disposed.Add((metrics, binder));
                }
            }
        }

        return disposed;
    }

    private bool TryAdd(PasidMetrics metrics)
    {
        using (Uninterruptible.Lock(_gate))
        {
            if (_hasEnded)
            {
                return false;
            }

            if (_live >= _liveToPrune)
            {
                Prune();
                _liveToPrune = Math.Max(16, _live * 2);
            }

            if (!_hosts.TryGetValue(metrics.HostName, out Host? host))
            {
                host = new Host();
                _hosts.Add(metrics.HostName, host);
            }

            host.Live.Add(metrics);
            _live++;
            return true;
        }
    }

    /// <summary>Forgets binders that were dropped without disposal, and hosts that never had others; the gate is held.</summary>
    private void Prune()
    {
        foreach ((string name, Host host) in _hosts)
        {
            _live -= host.Live.RemoveAll(static metrics => metrics.Binder is null);
            if (host is { Live.Count: 0, LastRetirement: 0 })
            {
                _hosts.Remove(name);
            }
        }
    }

    /// <summary>Forgets the host whose last binder went first if too many have none; the gate is held.</summary>
    private void ForgetOldest()
    {
        if (_hosts.Count <= MostGone)
        {
            return;
        }

        List<KeyValuePair<string, Host>> gone = [.. _hosts.Where(static host => host.Value.Live.Count == 0)];
        if (gone.Count <= MostGone)
        {
            return;
        }

        KeyValuePair<string, Host> oldest = gone.MinBy(static host => host.Value.LastRetirement);
        _hosts.Remove(oldest.Key);
        foreach ((_, AllocatorCounts counts) in _allocators)
        {
            counts.Past.Remove(oldest.Value);
        }
    }

    /// <summary>Ends a lasting meter to which no binder reports and nobody listens.</summary>
    /// <returns><see langword="false"/> if it has to be tried again later.</returns>
    private bool TryEnd()
    {
        if (!Monitor.TryEnter(_gate))
        {
            return false;
        }

        try
        {
            Prune();
            if (_live != 0 || _hasEnded)
            {
                _isLingering = false;
                return true;
            }

            if (_instruments.Exists(static instrument => instrument.Enabled))
            {
                return false;
            }

            _hasEnded = true;
        }
        finally
        {
            Monitor.Exit(_gate);
        }

        _meter.Dispose();
        return true;
    }

    private void Linger()
    {
        using (Uninterruptible.Lock(_gate))
        {
            if (_isLingering)
            {
                return;
            }

            _isLingering = true;
        }

        _ = new Lingering(this);
    }

    /// <summary>Looks at each collection of garbage whether a meter can end: nobody tells it when its last listener goes.</summary>
    private sealed class Lingering(PasidMeter meter)
    {
        ~Lingering()
        {
            if (!meter.TryEnd())
            {
                GC.ReRegisterForFinalize(this);
            }
        }
    }

    /// <summary>Leads from an instrument, as the value of a tag of it, to the object behind; for people it is the version.</summary>
    private sealed class Anchor(PasidMeter meter)
    {
        public PasidMeter Meter { get; } = meter;

        public override string ToString() => Meter._origin.Version ?? string.Empty;
    }

    /// <summary>All binders with one name.</summary>
    private sealed class Host
    {
        public List<PasidMetrics> Live { get; } = [];

        /// <summary>Gets or sets what the binders counted that are disposed.</summary>
        public PasidTally Past { get; set; } = PasidTally.Nothing;

        /// <summary>Gets or sets the number of the last disposal of a binder; 0 if there was none.</summary>
        public long LastRetirement { get; set; }
    }

    /// <summary>What is known of an allocator.</summary>
    private sealed class AllocatorCounts
    {
        /// <summary>Gets or sets the highest counts that were read: two that read at once may come here in either order.</summary>
        public PasidTally Seen { get; set; } = PasidTally.Nothing;

        /// <summary>Gets what of the counts is among the past ones of each host.</summary>
        public Dictionary<Host, PasidTally> Past { get; } = [];

        public PasidTally PastOf(Host host) => Past.GetValueOrDefault(host) ?? PasidTally.Nothing;
    }

    /// <summary>A host as of one moment; made while the gate is held.</summary>
    private sealed class Picture
    {
        private readonly bool _hasPast;

        public Picture(string name, Host host, ConditionalWeakTable<IoasidAllocator, AllocatorCounts> allocators)
        {
            Tags = name.Length == 0 ? [] : [new(HostTag, name)];
            Past = host.Past;
            _hasPast = host.LastRetirement != 0;
            Binders = [.. host.Live.Select(static metrics => metrics.Binder).OfType<IMeteredHost>()];
            Allocators =
            [
                .. Binders.Select(static binder => binder.Allocator).OfType<IoasidAllocator>().Distinct<IoasidAllocator>(ReferenceEqualityComparer.Instance)
                    .Select(allocator => (allocator, allocators.GetOrCreateValue(allocator).PastOf(host))),
            ];
        }

        public KeyValuePair<string, object?>[] Tags { get; }

        public PasidTally Past { get; }

        public IMeteredHost[] Binders { get; }

        /// <summary>Gets the allocators, each with what of its counts is in <see cref="Past"/>.</summary>
        public (IoasidAllocator Allocator, PasidTally Past)[] Allocators { get; }

        /// <summary>Tells whether the host has a figure: only the library's own allocators count what they did.</summary>
        public bool HasPart(PasidCount count) =>
            count is not (PasidCount.Allocations or PasidCount.Frees) || Allocators.Length != 0 || (_hasPast && Past.Get(PasidCount.Allocations) != 0);
    }
}

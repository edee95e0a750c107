using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Pasid.Internal;

/// <summary>One meter with its instruments, once for all binders that report to it.</summary>
/// <remarks>
/// <para>Figures with the same tags are sums. What a disposed binder counted stays in them, so that they never go back, and so that whoever
/// collects after the end gets the last ones. An allocator that several binders share, at once or one after the other, counts once.</para>
/// <para>A meter has no place for anything but instruments, and nothing may be static: the first instrument of a meter has the object of
/// that meter as the value of a tag.</para>
/// <para>Nothing is called out of while the gate is held.</para>
/// </remarks>
internal sealed class PasidMeter
{
    private const string MeterName = "Pasid";

    /// <summary>So many hosts without a binder are remembered: as many series as collectors keep apart by default.</summary>
    private const int MostGone = 2000;

    private const string VersionTag = "pasid.version";

    private readonly Meter _origin;
    private readonly Meter _meter;
    private readonly MeterLife _life;
    private readonly PasidInstruments _instruments;

    /// <summary>Guards all below.</summary>
    private readonly object _gate = new();

    private readonly Dictionary<string, HostFigures> _hosts = new(StringComparer.Ordinal);
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
        _instruments = new PasidInstruments(this, _meter);

        // On the first: a listener that makes a binder when it is told of an instrument has to find this.
        _instruments.Make(new(VersionTag, new Anchor(this)));
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

    /// <summary>Makes a binder report to the meter of a factory, or without one to a meter for this binder alone.</summary>
    public static PasidMeter Register(PasidMetrics metrics, IMeterFactory? factory)
    {
        string version = typeof(PasidMeter).Assembly.GetName().Version!.ToString(3);
        MeterLife life = factory is null ? MeterLife.Own : factory is LastingMeterFactory ? MeterLife.Lasting : MeterLife.Factory;
#pragma warning disable CA2000 // A factory disposes the meters it made; one's own ends with its binder.
#pragma warning disable CA1508 // A factory may be anybody's, and answer what it must not.
        Meter origin = factory is null ? new Meter(MeterName, version) : factory.Create(MeterName, version)
            ?? throw new InvalidOperationException($"The meter factory {factory.GetType()} answered null: it has to answer a meter.");
#pragma warning restore CA1508
#pragma warning restore CA2000
        using (Uninterruptible.Lock(origin))
        {
            if (life != MeterLife.Own && Find(origin, life) is { } known && known.TryAdd(metrics))
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

    /// <summary>Sums what was counted: by the binders of a host, by those it had, and by their allocators.</summary>
    public PasidTally Total(HostPicture host)
    {
        PasidTally total = host.Binders.Aggregate(host.Past, static (sum, binder) => sum.Plus(PasidTally.Of(binder.GetStatistics())));
        foreach ((IoasidAllocator allocator, PasidTally past) in host.Allocators)
        {
            PasidTally ids = PasidTally.Of(allocator.GetStatistics());
            using (Uninterruptible.Lock(_gate))
            {
                total = total.Plus(_allocators.GetOrCreateValue(allocator).See(ids, past));
            }
        }

        return total;
    }

    /// <summary>Pictures all hosts as of one moment.</summary>
    public List<HostPicture> TakePictures(ref ExceptionDispatchInfo? failure)
    {
        // A binder whose disposal threw before it came to its metrics has its last figures nevertheless.
        foreach ((PasidMetrics metrics, IMeteredHost? binder) in CollectDisposed())
        {
#pragma warning disable CA1031 // Passed on later, whatever it is.
            try
            {
                TakeLast(metrics, binder!);
            }
            catch (Exception exception)
            {
                failure ??= ExceptionDispatchInfo.Capture(exception);
            }
#pragma warning restore CA1031
        }

        using (Uninterruptible.Lock(_gate))
        {
            Prune();
            return [.. _hosts.Select(host => new HostPicture(host.Key, host.Value, _allocators))];
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
            if (!_hosts.TryGetValue(metrics.HostName, out HostFigures? host))
            {
                return;
            }

            host.Live.Remove(metrics);
            _live--;
            host.Past = host.Past.Plus(figures);
            if (allocator is not null)
            {
                AllocatorCounts counts = _allocators.GetOrCreateValue(allocator);
                PasidTally added = counts.See(ids!, counts.PastOf(host));
                if (!host.Live.Exists(other => ReferenceEquals(other.Binder?.Allocator, allocator)))
                {
                    host.Past = host.Past.Plus(added);
                    counts.Past[host] = counts.Seen;
                }
            }

            host.LastRetirement = ++_retirements;
            ForgetOldest();
        }
    }

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

    private List<(PasidMetrics Metrics, IMeteredHost? Binder)> CollectDisposed()
    {
        using (Uninterruptible.Lock(_gate))
        {
            return [.. _hosts.Values.SelectMany(static host => host.Live).Select(static metrics => (metrics, metrics.Binder)).Where(static one => one.Binder is { IsDisposed: true })];
        }
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

            if (!_hosts.TryGetValue(metrics.HostName, out HostFigures? host))
            {
                host = new HostFigures();
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
        foreach ((string name, HostFigures host) in _hosts)
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

        List<KeyValuePair<string, HostFigures>> gone = [.. _hosts.Where(static host => host.Value.Live.Count == 0)];
        if (gone.Count > MostGone)
        {
            (string name, HostFigures oldest) = gone.MinBy(static host => host.Value.LastRetirement);
            _hosts.Remove(name);
            foreach ((_, AllocatorCounts counts) in _allocators)
            {
                counts.Past.Remove(oldest);
            }
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

            if (_instruments.AreHeard)
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
}

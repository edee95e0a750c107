using System.Diagnostics.Metrics;

namespace Pasid.Internal;

/// <summary>The part that one binder has in the figures of a meter, until it is disposed.</summary>
/// <remarks>Holds the binder weakly: a meter outlives it if a factory made it.</remarks>
internal sealed class PasidMetrics : IDisposable
{
    private readonly WeakReference<IMeteredHost> _binder;
    private readonly PasidMeter _meter;

    public PasidMetrics(IMeteredHost binder, IMeterFactory? meterFactory, string? hostName)
    {
        _binder = new WeakReference<IMeteredHost>(binder);
        HostName = hostName ?? string.Empty;
        _meter = PasidMeter.Register(this, meterFactory);
    }

    /// <summary>Gets the value of the host tag; none if empty.</summary>
    public string HostName { get; }

    /// <summary>Gets or sets a value indicating whether the last figures are among the past ones; guarded by the meter.</summary>
    public bool IsOver { get; set; }

    /// <summary>Gets the binder; <see langword="null"/> if it was dropped.</summary>
    public IMeteredHost? Binder => _binder.TryGetTarget(out IMeteredHost? binder) ? binder : null;

    /// <summary>Reports the last figures of the binder as past ones from now on.</summary>
    public void Dispose()
    {
        if (Binder is { } binder)
        {
            _meter.Retire(this, binder);
        }
    }
}

/// <summary>Whose figures a meter reports: a binder and its allocator, which other hosts may have too.</summary>
internal interface IMeteredHost
{
    IIoasidAllocator Allocator { get; }

    /// <summary>Gets a value indicating whether it reports no more.</summary>
    bool IsDisposed { get; }

    SvmStatistics GetStatistics();
}

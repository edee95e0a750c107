using System.Diagnostics.Metrics;

namespace Pasid.Internal;

/// <summary>The part that one binder has in the figures of a meter, until it is disposed.</summary>
/// <remarks>Holds the binder weakly: a meter outlives it if a factory made it.</remarks>
internal sealed class PasidMetrics : IDisposable
{
    private readonly WeakReference<IMeteredHost> _binder;
    private readonly PasidMeter _meter;

    /// <summary>Makes a binder report its figures.</summary>
    /// <param name="binder">Whose numbers are reported.</param>
    /// <param name="meterFactory">Where the meter comes from; <see langword="null"/> to make one, which is disposed with this.</param>
    /// <param name="hostName">The value of the host tag; none if <see langword="null"/> or empty.</param>
    public PasidMetrics(IMeteredHost binder, IMeterFactory? meterFactory, string? hostName)
    {
        _binder = new WeakReference<IMeteredHost>(binder);
        HostName = hostName ?? string.Empty;
        _meter = PasidMeter.Register(this, meterFactory);
    }

    /// <summary>Gets the value of the host tag.</summary>
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

using System.Diagnostics.Metrics;

namespace Pasid.Internal;

/// <summary>
/// The meter factory of a container, for a meter that may live longer than it: a container that disposes the factory before whoever
/// collects would take the last figures away.
/// </summary>
internal sealed class LastingMeterFactory(IMeterFactory inner) : IMeterFactory
{
    public static LastingMeterFactory? Of(IMeterFactory? factory) => factory is null ? null : new LastingMeterFactory(factory);

    public Meter Create(MeterOptions options) => inner.Create(options.Name, options.Version, options.Tags);

    public void Dispose()
    {
        // The container's to dispose.
    }
}

using System.Diagnostics.Metrics;

namespace Pasid.Tests.Support;

/// <summary>Listens to the meters of one scope as an exporter does, and keeps what each collection measured.</summary>
internal sealed class FakeMeterProvider : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, long> _measured = new(StringComparer.Ordinal);
    private readonly HashSet<Instrument> _instruments = [];

    public FakeMeterProvider(object? scope)
    {
        _listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "Pasid" && ReferenceEquals(instrument.Meter.Scope, scope))
            {
                lock (_instruments)
                {
                    _instruments.Add(instrument);
                    Published++;
                }

                self.EnableMeasurementEvents(instrument);
            }
        };
        _listener.MeasurementsCompleted = (instrument, _) =>
        {
            lock (_instruments)
            {
                _instruments.Remove(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            _measured.Add(string.Join(' ', [instrument.Name, .. tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}")]), value));
        _listener.Start();
    }

    /// <summary>Gets how many instruments there have been.</summary>
    public int Published { get; private set; }

    /// <summary>Gets how many instruments there are.</summary>
    public int Instruments => _instruments.Count;

    /// <summary>Measures; the keys are names with tags. No series is measured twice.</summary>
    public Dictionary<string, long> Collect()
    {
        _measured.Clear();
        _listener.RecordObservableInstruments();
        return new(_measured);
    }

    /// <summary>Measures what can be measured, and keeps what was thrown.</summary>
    public Dictionary<string, long> Collect(out Exception? thrown)
    {
        _measured.Clear();
        thrown = Record.Exception(_listener.RecordObservableInstruments);
        return new(_measured);
    }

    public void Dispose() => _listener.Dispose();
}

using System.Diagnostics.Metrics;

namespace Pasid.Internal;

/// <summary>
/// The instruments of one host. All are observable: they cost nothing until somebody collects, and then read what the
/// allocator and the binder count anyway.
/// </summary>
/// <remarks>A meter outlives the host if a factory made it, so the instruments hold the binder weakly, and report nothing
/// once it is disposed.</remarks>
internal sealed class PasidMetrics : IDisposable
{
    public const string MeterName = "Pasid";
    private const string HostTag = "pasid.host";
    private const string ErrorTag = "error.type";

    /// <summary>Stands for all statuses that are not defined, so that the tag has few values.</summary>
    private const string OtherError = "_OTHER";

    private readonly WeakReference<SvmBinder> _binder;
    private readonly KeyValuePair<string, object?>[] _tags;
    private readonly Meter? _ownMeter;

    /// <summary>Makes the instruments.</summary>
    /// <param name="binder">Whose numbers are reported.</param>
    /// <param name="meterFactory">Where the meter comes from; <see langword="null"/> to make one, which is disposed with this.</param>
    /// <param name="hostName">The value of the host tag; none if <see langword="null"/> or empty.</param>
    public PasidMetrics(SvmBinder binder, IMeterFactory? meterFactory, string? hostName)
    {
        _binder = new WeakReference<SvmBinder>(binder);
        _tags = string.IsNullOrEmpty(hostName) ? [] : [new(HostTag, hostName)];
        string version = typeof(PasidMetrics).Assembly.GetName().Version!.ToString(3);
#pragma warning disable CA2000 // A factory disposes the meters it made; our own goes with this object.
        Meter meter = meterFactory?.Create(MeterName, version) ?? (_ownMeter = new Meter(MeterName, version));
#pragma warning restore CA2000

        meter.CreateObservableUpDownCounter("pasid.allocator.active", () => One(b => b.Allocator.LiveCount), "{pasid}", "Ids that are live.");
        meter.CreateObservableGauge("pasid.allocator.capacity", () => One(b => b.GetStatistics().Capacity), "{pasid}", "PASIDs that the host has.");
        meter.CreateObservableCounter("pasid.allocator.allocations", () => OfAllocator(s => s.Allocations), "{allocation}", "Ids that were allocated.");
        meter.CreateObservableCounter("pasid.allocator.frees", () => OfAllocator(s => s.Frees), "{free}", "Ids that became free again.");
        meter.CreateObservableCounter("pasid.allocator.failures", AllocatorFailures, "{failure}", "Calls of the allocator that failed, by status.");
        meter.CreateObservableUpDownCounter("pasid.svm.bindings", () => One(b => b.GetStatistics().Bindings), "{binding}", "PASIDs with an address space behind them.");
        meter.CreateObservableUpDownCounter("pasid.svm.address_spaces", () => One(b => b.GetStatistics().AddressSpaces), "{address_space}", "Address spaces that have a PASID or a binding.");
        meter.CreateObservableCounter("pasid.svm.binds", () => One(b => b.GetStatistics().Binds), "{bind}", "Binds that succeeded.");
        meter.CreateObservableCounter("pasid.svm.unbinds", () => One(b => b.GetStatistics().Unbinds), "{unbind}", "Binds that were undone.");
        meter.CreateObservableCounter("pasid.svm.failures", BinderFailures, "{failure}", "Calls of the binder that failed, by status.");
        meter.CreateObservableCounter("pasid.enqcmd.commands", () => One(b => b.GetStatistics().Commands), "{command}", "Commands that devices took.");
        meter.CreateObservableCounter("pasid.enqcmd.retries", () => One(b => b.GetStatistics().Retries), "{command}", "Commands that devices did not take.");
        meter.CreateObservableCounter("pasid.enqcmd.faults", () => One(b => b.GetStatistics().InstructionFaults), "{fault}", "ENQCMD and ENQCMDS that ended with a fault.");
        meter.CreateObservableCounter("pasid.enqcmd.fixups", () => One(b => b.GetStatistics().Fixups), "{fixup}", "PASIDs that were loaded into the register of a thread.");
        meter.CreateObservableCounter("pasid.page_request.requests", () => One(b => b.GetStatistics().PageRequests), "{request}", "Page requests that were handled.");
        meter.CreateObservableCounter("pasid.page_request.responses", () => One(b => b.GetStatistics().PageResponses), "{response}", "Responses that page requests got.");
        meter.CreateObservableCounter("pasid.page_request.overflows", () => One(b => b.GetStatistics().PageRequestOverflows), "{request}", "Page requests that found the queue full.");
    }

    public void Dispose()
    {
        _binder.SetTarget(null!);
        _ownMeter?.Dispose();
    }

    private IEnumerable<Measurement<long>> One(Func<SvmBinder, long> read) =>
        _binder.TryGetTarget(out SvmBinder? binder) ? [new(read(binder), _tags)] : [];

    private IEnumerable<Measurement<long>> OfAllocator(Func<IoasidStatistics, long> read) =>
        _binder.TryGetTarget(out SvmBinder? binder) && binder.Allocator is IoasidAllocator allocator
            ? [new(read(allocator.GetStatistics()), _tags)]
            : [];

    private IEnumerable<Measurement<long>> AllocatorFailures() =>
        _binder.TryGetTarget(out SvmBinder? binder) && binder.Allocator is IoasidAllocator allocator
            ? Failures(allocator.GetStatistics().Failures, others: 0)
            : [];

    private IEnumerable<Measurement<long>> BinderFailures()
    {
        if (!_binder.TryGetTarget(out SvmBinder? binder))
        {
            return [];
        }

        SvmStatistics statistics = binder.GetStatistics();
        return Failures(statistics.Failures, statistics.OtherFailures);
    }

    private List<Measurement<long>> Failures(IReadOnlyDictionary<PasidStatus, long> failures, long others)
    {
        List<Measurement<long>> measurements = [];
        foreach ((PasidStatus status, long count) in failures)
        {
            measurements.Add(new(count, [.. _tags, new(ErrorTag, status.ToString())]));
        }

        if (others != 0)
        {
            measurements.Add(new(others, [.. _tags, new(ErrorTag, OtherError)]));
        }

        return measurements;
    }
}

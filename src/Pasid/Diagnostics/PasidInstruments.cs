using System.Diagnostics.Metrics;
using System.Runtime.ExceptionServices;

namespace Pasid.Internal;

/// <summary>
/// The instruments of a meter. All are observable: they cost nothing until somebody collects, and then read what allocators and
/// binders count anyway.
/// </summary>
internal sealed class PasidInstruments(PasidMeter source, Meter meter)
{
    private const string ErrorTag = "error.type";

    private readonly List<Instrument> _all = [];

    /// <summary>Gets a value indicating whether somebody listens to one of them.</summary>
    public bool AreHeard => _all.Exists(static instrument => instrument.Enabled);

    /// <summary>Makes them. Listeners are told of each, and may make and dispose binders then.</summary>
    /// <param name="tag">Of the first.</param>
    public void Make(KeyValuePair<string, object?> tag)
    {
        UpDown("pasid.allocator.active", static binders => binders.Select(b => b.Allocator).Distinct<IIoasidAllocator>(ReferenceEqualityComparer.Instance).Sum(a => a.LiveCount), "{pasid}", "Ids that are live.", [tag]);
        _all.Add(meter.CreateObservableGauge("pasid.allocator.capacity", () => Observe(host => Now(host, Capacity)), "{pasid}", "PASIDs that the host has."));
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

    private static long Capacity(IMeteredHost[] binders) => binders
        .GroupBy(b => b.Allocator, ReferenceEqualityComparer.Instance)
        .Sum(sharers => sharers.Max(b => (long)b.GetStatistics().Capacity));

    private void Counter(string name, PasidCount count, string unit, string description) => _all.Add(meter.CreateObservableCounter(
        name,
        () => Observe(host => host.HasPart(count) ? [new Measurement<long>(source.Total(host)[count], host.Tags)] : []),
        unit,
        description));

    private void Failures(string name, PasidCount count, string description) => _all.Add(meter.CreateObservableCounter(
        name,
        () => Observe(host => source.Total(host).GetFailures(count).Select(failure => new Measurement<long>(failure.Count, [.. host.Tags, new(ErrorTag, failure.Error)]))),
        "{failure}",
        description));

    private void UpDown(string name, Func<IMeteredHost[], long> read, string unit, string description, KeyValuePair<string, object?>[]? tags = null) => _all.Add(meter.CreateObservableUpDownCounter(
        name,
        () => Observe(host => Now(host, read)),
        unit,
        description,
        tags ?? []));

    private static IEnumerable<Measurement<long>> Now(HostPicture host, Func<IMeteredHost[], long> read) => [new(read(host.Binders), host.Tags)];

    /// <summary>Measures each host. What goes wrong with one is passed on once the others are measured.</summary>
    private IEnumerable<Measurement<long>> Observe(Func<HostPicture, IEnumerable<Measurement<long>>> measure)
    {
        ExceptionDispatchInfo? failure = null;
        foreach (HostPicture host in source.TakePictures(ref failure))
        {
            foreach (Measurement<long> measurement in Try(host, measure, ref failure))
            {
                yield return measurement;
            }
        }

        failure?.Throw();
    }

#pragma warning disable CA1031 // Passed on later, whatever it is.
    private static Measurement<long>[] Try(HostPicture host, Func<HostPicture, IEnumerable<Measurement<long>>> measure, ref ExceptionDispatchInfo? failure)
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
#pragma warning restore CA1031
}

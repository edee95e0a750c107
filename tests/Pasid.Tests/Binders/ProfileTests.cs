using Pasid.Tests.Support;

namespace Pasid.Tests.Binders;

/// <summary>What the default profile does differently from the seed, one by one, and nothing else.</summary>
public sealed class ProfileTests
{
    public static TheoryData<KernelQuirks> Quirks()
    {
        var quirks = new TheoryData<KernelQuirks>();
        foreach (KernelQuirks quirk in Enum.GetValues<KernelQuirks>().Where(quirk => quirk != KernelQuirks.None))
        {
            quirks.Add(quirk);
        }

        return quirks;
    }

    [Fact]
    public void Default_has_no_quirk_and_seed_all_that_were_there_before_unbinds_drained()
    {
        const KernelQuirks OfDrain = KernelQuirks.DrainWarnsOutsidePci | KernelQuirks.DrainSkipsOtherQueues;
        KernelProfile.Default.Should().Be(new KernelProfile("default", PasidLifetime.AddressSpace, KernelQuirks.None) { PageRequests = PageRequestRules.Linux510 });
        KernelProfile.Seed.Lifetime.Should().Be(PasidLifetime.AddressSpace);
        Enum.GetValues<KernelQuirks>().Should().OnlyContain(quirk => KernelProfile.Seed.Has(quirk) || (OfDrain & quirk) != 0);
        KernelProfile.Seed.PageRequests.Should().Be(PageRequestRules.Linux56);
        KernelProfile.Linux56.Lifetime.Should().Be(PasidLifetime.Binding);
        KernelProfile.Linux56.Quirks.Should().Be(
            KernelQuirks.UnsupportedDeviceReportsSuccess | KernelQuirks.FirstIommuFlushes | KernelQuirks.ZeroLimitWraps
            | KernelQuirks.NonCanonicalFaultLeaksUser | KernelQuirks.UnbindSkipsDrain | KernelQuirks.ResponseLosesPrivateData | KernelQuirks.ResponseClaimsPrivateData
            | KernelQuirks.CallbackGetsPageNumber | KernelQuirks.UnknownPasidEndsThread | KernelQuirks.OverflowIsForEver | KernelQuirks.RequesterIdIsIdentity);
    }

    [Theory]
    [MemberData(nameof(Quirks))]
    public void Each_quirk_alone_makes_the_difference_that_it_names(KernelQuirks quirk)
    {
        string mended = Observe(KernelProfile.Default, quirk);
        string quirky = Observe(KernelProfile.Default with { Quirks = quirk }, quirk);
        KernelQuirks others = (KernelQuirks.DrainWarnsOutsidePci | KernelQuirks.DrainSkipsOtherQueues).HasFlag(quirk)
            ? KernelProfile.AllQuirks & ~KernelQuirks.UnbindSkipsDrain
            : KernelProfile.Seed.Quirks;
        string othersOnly = Observe(KernelProfile.Default with { Quirks = others & ~quirk }, quirk);

        (string Mended, string Quirky) expected = quirk switch
        {
            KernelQuirks.ExhaustionReportsSuccess => ("NoSpace", "Success"),
            KernelQuirks.ForkCopiesPasid => ("4294967295", "1"),
            KernelQuirks.PrivateAndSupervisorPasidsLeak => ("", "1 2"),
            KernelQuirks.FreeNeedsEnqcmd => ("", "1"),
            KernelQuirks.FailedRebindLeavesData => ("null", "some"),
            KernelQuirks.RebindSkipsWidthCheck => ("NoSpace", "Success"),
            KernelQuirks.UnsupportedDeviceReportsSuccess => ("OperationNotSupported", "Success"),
            KernelQuirks.FirstIommuFlushes => ("iommu1 iommu1 iommu1", "iommu0 iommu0 iommu0"),
            KernelQuirks.ZeroLimitWraps => ("NoSpace ioasid_alloc 1..0 -> 4294967295", "Success ioasid_alloc 1..4294967295 -> 1"),
            KernelQuirks.NonCanonicalFaultLeaksUser => ("InvalidRequest, 0 users, exited", "InvalidRequest, 1 users, alive"),
            KernelQuirks.UnbindSkipsDrain => ("InvalidRequest at the unbind", "InvalidRequest after it"),
            KernelQuirks.ResponseLosesPrivateData => ("7", "0"),
            KernelQuirks.ResponseClaimsPrivateData => ("none", "0"),
            KernelQuirks.CallbackGetsPageNumber => ("5000 none", "5 0"),
            KernelQuirks.UnknownPasidEndsThread => ("2 alive", "0 dead"),
            KernelQuirks.OverflowIsForEver => ("1 lost", "2 lost"),
            KernelQuirks.RequesterIdIsIdentity => ("", "twin"),
            KernelQuirks.DrainWarnsOutsidePci => ("1 answered, drain iommu0 sid=0 pasid=1", "0 answered, warn"),
            KernelQuirks.DrainSkipsOtherQueues => ("1 answered", "0 answered"),
            _ => throw new ArgumentOutOfRangeException(nameof(quirk), quirk, "A quirk without a test."),
        };
        mended.Should().Be(expected.Mended);
        quirky.Should().Be(expected.Quirky);
        othersOnly.Should().Be(expected.Mended, "no other quirk makes this difference");
    }

    [Fact]
    public void Linux56_flushes_on_the_first_iommu_too()
    {
        Observe(KernelProfile.Linux56, KernelQuirks.FirstIommuFlushes).Should().Be("iommu0 iommu0 iommu0");
        Observe(KernelProfile.Linux56, KernelQuirks.UnsupportedDeviceReportsSuccess).Should().Be("Success");
    }

    [Fact]
    public void Bind_throws_the_truth_where_a_quirk_reports_success()
    {
        using var host = new Host(KernelProfile.Seed, pasidLimit: 1);

        Action exhausted = () => host.Binder.Bind(host.DeviceA, host.Process("P"));
        Action unsupported = () => host.Binder.Bind(new SvmDevice("old", host.Iommu0) { SupportsPasid = false }, host.Process("P"));

        exhausted.Should().Throw<PasidException>().Which.Status.Should().Be(PasidStatus.NoSpace);
        unsupported.Should().Throw<PasidException>().Which.Status.Should().Be(PasidStatus.OperationNotSupported);
    }

    /// <summary>Plays the situation in which a quirk shows, and says what was seen.</summary>
    private static string Observe(KernelProfile profile, KernelQuirks quirk)
    {
        int limit = quirk switch
        {
            KernelQuirks.ExhaustionReportsSuccess => 1,
            _ => IoasidRange.PasidLimit,
        };
        bool flushesApart = quirk == KernelQuirks.FirstIommuFlushes;
        using var host = new Host(flushesApart ? profile with { PageRequests = PageRequestRules.Linux56 } : profile, limit, options => options.CpuHasEnqcmd = quirk != KernelQuirks.FreeNeedsEnqcmd);
        AddressSpace process = host.Process("P");
        switch (quirk)
        {
            case KernelQuirks.ExhaustionReportsSuccess:
                return host.Binder.BindMm(host.DeviceA, process, out _).ToString();
            case KernelQuirks.ForkCopiesPasid:
                host.Bind(host.DeviceA, process, 1);
                return process.Fork("C").Pasid.ToString();
            case KernelQuirks.PrivateAndSupervisorPasidsLeak:
                host.Bind(host.DeviceA, process, 1, SvmBindFlags.Private);
                host.Bind(host.DeviceA, process, 2, SvmBindFlags.Supervisor);
                host.Unbind(host.DeviceA, 1);
                host.Unbind(host.DeviceA, 2);
                return string.Join(' ', host.Live());
            case KernelQuirks.FreeNeedsEnqcmd:
                host.Bind(host.DeviceA, process, 1);
                host.Unbind(host.DeviceA, 1);
                process.Exit();
                return string.Join(' ', host.Live());
            case KernelQuirks.FailedRebindLeavesData:
                host.Bind(host.DeviceA, process, 1);
                host.Unbind(host.DeviceA, 1);
                host.Armed = SvmFaultPoint.PasidEntrySetup;
                host.BindFails(host.DeviceA, process, PasidStatus.OutOfMemory);
                host.Allocator.Lookup(new Ioasid(1), out object? data);
                return data is null ? "null" : "some";
            case KernelQuirks.RebindSkipsWidthCheck:
                host.Bind(host.DeviceA, process, 1);
                host.Unbind(host.DeviceA, 1);
                return host.Binder.BindMm(host.Narrow(1), process, out _).ToString();
            case KernelQuirks.UnsupportedDeviceReportsSuccess:
                return host.Binder.BindMm(new SvmDevice("old", host.Iommu0) { SupportsPasid = false }, process, out _).ToString();
            case KernelQuirks.FirstIommuFlushes:
                host.Bind(host.DeviceA, process, 1);
                host.Bind(host.DeviceFar, process, 1);
                var told = new List<string>();
                host.InsideObserver = e =>
                {
                    if (e.Device == host.DeviceFar && e.Kind is SvmEventKind.EntryTornDown or SvmEventKind.Flushed)
                    {
                        told.Add(e.Iommu!.Name);
                    }
                };
                process.Exit();
                host.InsideObserver = e =>
                {
                    if (e.Device == host.DeviceFar && e.Kind == SvmEventKind.Flushed)
                    {
                        told.Add(e.Iommu!.Name);
                    }
                };
                host.Unbind(host.DeviceFar, 1);
                return string.Join(' ', told);
            case KernelQuirks.ZeroLimitWraps:
                PasidStatus status = host.Binder.BindMm(host.Narrow(0), process, out Ioasid pasid);
                string allocation = host.Events.Single(e => e.StartsWith("ioasid_alloc", StringComparison.Ordinal));
                return status == PasidStatus.Success && !pasid.IsValid ? $"NoSpace {allocation}" : $"{status} {allocation}";
            case KernelQuirks.NonCanonicalFaultLeaksUser:
                using (var faults = new HostRequests(host))
                {
                    host.Bind(host.DeviceA, process, 1);
                    PageResponseCode code = faults.Ask(host.DeviceA, 1, address: 1ul << 60);
                    process.Exit();
                    return $"{code}, {process.Users} users, {(process.HasExited ? "exited" : "alive")}";
                }

            case KernelQuirks.UnbindSkipsDrain:
                using (var faults = new HostRequests(host))
                {
                    host.Bind(host.DeviceA, process, 1);
                    faults.Queue.TryEnqueue(new PageRequest { Device = host.DeviceA, Pasid = new Ioasid(1), IsLastInGroup = true });
                    host.Unbind(host.DeviceA, 1);
                    string when = faults.Responses.Count == 1 ? "at the unbind" : "after it";
                    faults.Queue.Process();
                    return $"{faults.Responses.Single().Code} {when}";
                }

            default:
                return ObserveRequests(host, process, quirk);
        }
    }

    private static string ObserveRequests(Host host, AddressSpace process, KernelQuirks quirk)
    {
        using var requests = new HostRequests(host, capacity: 4);
        using var far = new HostRequests(host, iommu: host.Iommu1);
        var spy = new Spy();
        SvmDevice device = quirk == KernelQuirks.DrainWarnsOutsidePci ? new SvmDevice("platform", host.Iommu0) { IsPci = false } : host.DeviceA;
        host.Binder.BindMm(device, process, SvmBindFlags.None, spy, out Ioasid pasid).Should().Be(PasidStatus.Success);
        PageRequest request = new() { Device = device, Pasid = pasid, Address = 0x5000, Rights = PageRequestRights.Read, IsLastInGroup = true };
        switch (quirk)
        {
            case KernelQuirks.ResponseLosesPrivateData or KernelQuirks.ResponseClaimsPrivateData:
                requests.Queue.TryEnqueue(request with { PrivateData = quirk == KernelQuirks.ResponseLosesPrivateData ? 7 : null });
                requests.Queue.Process();
                return Text(requests.Responses.Single().PrivateData);
            case KernelQuirks.CallbackGetsPageNumber:
                requests.Queue.TryEnqueue(request);
                requests.Queue.Process();
                return spy.Calls.Single().Request;
            case KernelQuirks.UnknownPasidEndsThread:
                requests.Queue.TryEnqueue(request with { Pasid = new Ioasid(77) });
                requests.Queue.TryEnqueue(request);
                return $"{requests.Queue.Process()} {(requests.Queue.IsDead ? "dead" : "alive")}";
            case KernelQuirks.OverflowIsForEver:
                for (int i = 0; i < 4; i++)
                {
                    requests.Queue.TryEnqueue(request);
                }

                requests.Queue.Process();
                requests.Queue.TryEnqueue(request);
                return $"{requests.Queue.GetStatistics().Overflows} lost";
            case KernelQuirks.RequesterIdIsIdentity:
                requests.Queue.TryEnqueue(request with { Device = new SvmDevice("twin", host.Iommu0) { Segment = 1 } });
                requests.Queue.Process();
                return string.Join(' ', spy.Calls.Select(call => call.Device));
            case KernelQuirks.DrainWarnsOutsidePci:
                requests.Queue.TryEnqueue(request);
                host.TakeEvents();
                host.Binder.UnbindMm(device, pasid);
                return $"{requests.Responses.Count} answered, {host.TakeEvents().Single(e => e.StartsWith("drain", StringComparison.Ordinal) || e == "warn")}";
            case KernelQuirks.DrainSkipsOtherQueues:
                far.Queue.TryEnqueue(request with { Device = host.DeviceFar });
                host.Binder.UnbindMm(device, pasid);
                return $"{far.Responses.Count} answered";
            default:
                throw new ArgumentOutOfRangeException(nameof(quirk), quirk, "A quirk without a test.");
        }
    }

    private static string Text(UInt128? data) => data?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none";

    private sealed class Spy : ISvmDeviceCallbacks
    {
        public string Name => "spy";

        public List<(string Device, string Request)> Calls { get; } = [];

        public void OnPageRequest(SvmDevice device, Ioasid pasid, ulong address, UInt128? privateData, PageRequestRights rights, PageResponseCode code) =>
            Calls.Add((device.Name, $"{address:x} {Text(privateData)}"));
    }
}

namespace Pasid.Tool.Scenarios;

/// <summary>Reads the steps of a binder scenario.</summary>
internal sealed class BinderStepReader(Topology topology, FileFormat format)
{
    private readonly bool _isRecording = format != FileFormat.Scenario;
    private readonly bool _isOfThread = format == FileFormat.PageRequestRecording;

    private readonly HashSet<string> _devices = topology.Devices.Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string> _devicesBehindIommus = topology.Devices.Where(device => device.Iommu is not null).Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string> _workQueues = topology.WorkQueues.Select(queue => queue.Name).ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string> _addressSpaces = topology.AddressSpaces.ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string> _threads = new(StringComparer.Ordinal);
    private bool _hasSnapshot;

    public Step Read(KeyReader keys, int line, string op)
    {
        string? note = _isRecording ? null : keys.OptionalString("note");
        var expected = new ExpectationReader(keys, _isRecording);
        var info = new StepInfo(line, op, note, expected.Answers);
        Step step;
        switch (op)
        {
            case "bind":
                step = ReadBind(keys, info);
                expected.Number("ret");
                expected.NumberOrNull("pasid");
                break;
            case "unbind":
                step = new UnbindStep(info, Device(keys), keys.Pasid("pasid"));
                expected.Number("ret");
                break;
            case "is_valid":
                step = new IsValidStep(info, Device(keys), keys.Pasid("pasid"));
                expected.Number("ret");
                break;
            case "exit":
                step = new ExitStep(info, AddressSpace(keys));
                break;
            case "fork" when !_isRecording:
                step = new ForkStep(info, AddressSpace(keys), NewAddressSpace(keys, "child"), ForkFails(keys));
                expected.OptionalScalar("ret");
                break;
            case "exec" when !_isRecording:
                step = new ExecStep(info, AddressSpace(keys), keys.OptionalString("thread") is { } thread ? KnownThread(keys, thread) : null, NewAddressSpace(keys, "next"));
                expected.OptionalScalar("ret");
                break;
            case "snapshot" when !_isRecording:
                step = new SnapshotStep(info);
                _hasSnapshot = true;
                break;
            case "restore" when !_isRecording:
                step = _hasSnapshot ? new RestoreStep(info) : throw keys.Malformed("there is no snapshot to restore: 'snapshot' must come first");
                break;
            case "map_region" when format != FileFormat.Recording:
                step = new MapRegionStep(info, AddressSpace(keys), Region(keys), FaultOf(keys));
                expected.OptionalScalar("ret");
                expected.OptionalJson("regions");
                break;
            case "core_dump" when format != FileFormat.Recording:
                step = new CoreDumpStep(info, AddressSpace(keys), keys.Boolean("on"));
                break;
            case "page_request" when format != FileFormat.Recording:
                step = new PageRequestStep(info, Request(keys));
                expected.OptionalScalar("ret");
                expected.Json("raw");
                break;
            case "process" when format != FileFormat.Recording:
                step = new ProcessStep(info, Iommu(keys), Arriving(keys));
                expected.OptionalScalar("ret");
                break;
            default:
                step = (_isRecording ? null : ReadLife(keys, op, info)) ?? throw keys.Malformed($"the op '{op}' is unknown for a binder");
                expected.OptionalScalar("ret");
                expected.OptionalScalar("fixed_up");
                expected.OptionalScalar("command");
                break;
        }

        ReadEffects(step, expected);
        return step;
    }

    /// <summary>What every step can do besides what it answers.</summary>
    private void ReadEffects(Step step, ExpectationReader expected)
    {
        if (_isOfThread)
        {
            PageRequestExpectations.Read(step, expected, topology);
            return;
        }

        expected.Strings("events");
        expected.StringsOrAbsent("qi");
        expected.State("state", topology);
        if (!_isRecording)
        {
            expected.OptionalStrings("responses");
            expected.OptionalStrings("callbacks");
            expected.OptionalNumbersByName("users");
            expected.OptionalNumbersByName("msrs");
            PageRequestExpectations.ReadOptional(expected);
        }
    }

    /// <summary>The steps of threads and commands, which no recording has.</summary>
    private Step? ReadLife(KeyReader keys, string op, StepInfo info) => op switch
    {
        "thread" => new ThreadStep(info, AddressSpace(keys), NewThread(keys)),
        "thread_exit" => new ThreadExitStep(info, KnownThread(keys, keys.String("thread"))),
        "map_portal" => new MapPortalStep(info, AddressSpace(keys), WorkQueue(keys), PageAddress(keys)),
        "unmap_portal" => new UnmapPortalStep(info, AddressSpace(keys), PageAddress(keys)),
        "enqcmd" => new EnqcmdStep(info, KnownThread(keys, keys.String("thread")), keys.Address("address"), Privilege(keys), IsSupervisors: false, Head(keys, "reserved")),
        "enqcmds" => new EnqcmdStep(info, KnownThread(keys, keys.String("thread")), keys.Address("address"), Privilege(keys), IsSupervisors: true, Head(keys, "head")),
        "configure" => new ConfigureStep(info, WorkQueue(keys), keys.Pasid("pasid")),
        "movdir64b" => new Movdir64BStep(info, KnownThread(keys, keys.String("thread")), keys.Address("address")),
        "complete" => new CompleteStep(info, WorkQueue(keys)),
        _ => null,
    };

    private string DeviceBehindIommu(KeyReader keys)
    {
        string name = Device(keys);
        return _devicesBehindIommus.Contains(name) ? name : throw keys.Malformed($"the device '{name}' is behind no IOMMU, and cannot ask for pages");
    }

    private string NewThread(KeyReader keys)
    {
        string name = keys.String("thread");
        return _threads.Add(name) ? name : throw keys.Malformed($"the thread '{name}' is there already");
    }

    private string KnownThread(KeyReader keys, string name) =>
        _threads.Contains(name) ? name : throw keys.Malformed($"the thread '{name}' is unknown: no step has made it");

    private string WorkQueue(KeyReader keys)
    {
        string name = keys.String("wq");
        return _workQueues.Contains(name) ? name : throw keys.Malformed($"the work queue '{name}' is unknown: the topology does not have it");
    }

    private static ulong PageAddress(KeyReader keys)
    {
        ulong address = keys.Address("address");
        return address % PortalMap.PageLength == 0 ? address : throw keys.Malformed($"a portal is mapped at multiples of {PortalMap.PageLength}");
    }

    private static AddressRegion Region(KeyReader keys)
    {
        var region = new AddressRegion(
            keys.Address("start"),
            Length(keys),
            Rights(keys) & ~PageRequestRights.Privileged,
            keys.OptionalBoolean("grows_down", absent: false));
        return region.Last < region.Start ? throw keys.Malformed("a region ends within 64 bits")
            : region;
    }

    /// <summary>A length: recordings write it like an address.</summary>
    private static ulong Length(KeyReader keys) => keys.IsString("length") ? keys.Address("length") : (ulong)keys.Integer("length", 1, long.MaxValue);

    private static PageRequestRights Rights(KeyReader keys)
    {
        string text = keys.String("rights");
        PageRequestRights rights = PageRequestRights.None;
        foreach (char right in text)
        {
            rights |= right switch
            {
                'r' => PageRequestRights.Read,
                'w' => PageRequestRights.Write,
                'x' => PageRequestRights.Execute,
                'p' => PageRequestRights.Privileged,
                _ => throw keys.Malformed($"the rights '{text}' are unknown: they are made of r, w, x and p"),
            };
        }

        return rights;
    }

    private static CpuPrivilege Privilege(KeyReader keys) => keys.OptionalString("privilege") switch
    {
        null or "user" => CpuPrivilege.User,
        "supervisor" => CpuPrivilege.Supervisor,
        { } other => throw keys.Malformed($"the privilege '{other}' is unknown: it must be user or supervisor"),
    };

    private static uint Head(KeyReader keys, string key) => (uint)(keys.OptionalInteger(key, 0, uint.MaxValue) ?? 0);

    private PageRequestFields Request(KeyReader keys) => new(
        DeviceBehindIommu(keys),
        keys.OptionalInteger("pasid", 0, IoasidRange.PasidLimit - 1) is { } pasid ? new Ioasid((uint)pasid) : null,
        keys.Address("address"),
        Rights(keys),
        (int)(keys.OptionalInteger("group", 0, 511) ?? 0),
        keys.OptionalBoolean("last", absent: true),
        PrivateData(keys));

    private static UInt128? PrivateData(KeyReader keys)
    {
        ulong? first = keys.OptionalUnsigned("private");
        ulong? second = keys.OptionalUnsigned("private2");
        return first is { } word ? new UInt128(second ?? 0, word)
            : second is null ? null
            : throw keys.Malformed("'private2' stands beside 'private', or not at all");
    }

    private string? Iommu(KeyReader keys)
    {
        string? name = keys.OptionalString("iommu");
        return name is null || topology.Iommus.Any(iommu => iommu.Name == name) ? name : throw keys.Malformed($"the IOMMU '{name}' is unknown: the topology does not have it");
    }

    private List<PageRequestFields>? Arriving(KeyReader keys)
    {
        if (!keys.Has("arrive"))
        {
            return null;
        }

        List<PageRequestFields> requests = [];
        foreach (KeyReader request in keys.Objects("arrive", "a request that arrives"))
        {
            requests.Add(Request(request));
            request.End();
        }

        return requests;
    }

    private static string FaultOf(KeyReader keys)
    {
        string fault = keys.OptionalString("fault") ?? Faults.Ok;
        return Faults.Bits.ContainsKey(fault) ? fault : throw keys.Malformed($"the fault '{fault}' is unknown: it must be {string.Join(", ", Faults.Bits.Keys)}");
    }

    private static bool ForkFails(KeyReader keys) => keys.OptionalString("fail") switch
    {
        null => false,
        "copy" => true,
        { } other => throw keys.Malformed($"the failure '{other}' of a fork is unknown: it must be copy"),
    };

    private BindStep ReadBind(KeyReader keys, StepInfo info) => new(
        info,
        Device(keys),
        AddressSpace(keys),
        keys.Boolean("want_pasid"),
        (SvmBindFlags)keys.Integer("flags", 0, (int)(SvmBindFlags.Private | SvmBindFlags.Supervisor)),
        keys.StringOrNull("ops"),
        Fault(keys));

    private string Device(KeyReader keys) => Known(keys, "device", keys.String("dev"), _devices);

    private string AddressSpace(KeyReader keys) => Known(keys, "mm", keys.String("mm"), _addressSpaces);

    private string NewAddressSpace(KeyReader keys, string key)
    {
        string name = keys.String(key);
        return _addressSpaces.Add(name) ? name : throw keys.Malformed($"the mm '{name}' is there already");
    }

    private static string Known(KeyReader keys, string what, string name, HashSet<string> names) =>
        names.Contains(name) ? name : throw keys.Malformed($"the {what} '{name}' is unknown: the topology does not have it");

    private static SvmFaultPoint? Fault(KeyReader keys) => keys.StringOrNull("fail") switch
    {
        null => null,
        "sdev" => SvmFaultPoint.DeviceRecord,
        "svm" => SvmFaultPoint.SvmRecord,
        "notifier" => SvmFaultPoint.NotifierRegistration,
        "setup" => SvmFaultPoint.PasidEntrySetup,
        { } other => throw keys.Malformed($"the failure '{other}' is unknown: it must be sdev, svm, notifier or setup"),
    };
}

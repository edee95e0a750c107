using System.Globalization;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <content>Page requests, and what a step did to queues, regions, users and registers.</content>
internal sealed partial class BinderReplay : IPageResponder, IPageRequestObserver
{
    private readonly Topology _topology;
    private readonly List<PageRequestQueue> _queues = [];
    private readonly List<PageResponse> _responses = [];
    private readonly List<string> _told = [];
    private readonly List<string> _log = [];

    /// <summary>What becomes of faults, by the end of the region: its start can grow.</summary>
    private readonly Dictionary<(AddressSpace AddressSpace, ulong Last), string> _faults = [];

    private IReadOnlyList<PageRequestFields>? _arriving;
    private List<bool>? _arrived;
    private string _regions = "{}";

    public IReadOnlyList<PageRequestQueue> Queues => _queues;

    void IPageResponder.Respond(in PageResponse response)
    {
        _responses.Add(response);
        _log.Add($"response {Describe(in response)}");
        if (_arriving is { } arriving && _arrived is null)
        {
            _arrived = [.. arriving.Select(request => FindQueue(request.Device).TryEnqueue(MakeRequest(request)))];
            _log.Add(string.Create(CultureInfo.InvariantCulture, $"{arriving.Count} more arrive"));
        }
    }

    void IPageRequestObserver.OnEvent(in PageRequestEvent pageRequestEvent) => _log.Add(pageRequestEvent.ToString());

    private static string Describe(in PageResponse response) => string.Create(
        CultureInfo.InvariantCulture,
        $"{response.Device} pasid={response.Pasid?.ToString() ?? "none"} group={response.GroupIndex} code={(int)response.Code} private={FirstWord(response.PrivateData)}");

    private static string FirstWord(UInt128? privateData) => privateData is { } data ? ((ulong)data).ToString(CultureInfo.InvariantCulture) : "none";

    private static string Words(UInt128? privateData) =>
        privateData is { } data ? string.Create(CultureInfo.InvariantCulture, $"{(ulong)data},{(ulong)(data >> 64)}") : "none";

    private bool ApplyToQueues(Step step, List<Answer> answers)
    {
        switch (step)
        {
            case MapRegionStep s:
                answers.Add(Number("ret", TryMapRegion(FindAddressSpace(s.AddressSpace), s) ? 0 : (long)PasidStatus.InvalidArgument));
                return true;
            case CoreDumpStep s:
                FindAddressSpace(s.AddressSpace).IsDumpingCore = s.IsOn;
                return true;
            case PageRequestStep s:
                PageRequest request = MakeRequest(s.Request);
                answers.Add(new Answer("ret", FindQueue(s.Request.Device).TryEnqueue(in request) ? "true" : "false"));
                answers.Add(new Answer("raw", QueueAnswers.Words(in request)));
                return true;
            case ProcessStep s:
                Process(s, answers);
                return true;
            default:
                return false;
        }
    }

    private void Process(ProcessStep step, List<Answer> answers)
    {
        List<PageRequestQueue> queues = _queues.FindAll(queue => step.Iommu is null || queue.Iommu.Name == step.Iommu);
        bool wasDead = queues.Exists(static queue => queue.IsDead);
        _arriving = step.Arriving;
        long handled = queues.Sum(static queue => queue.Process());
        _arriving = null;
        answers.Add(Number("ret", handled));
        answers.Add(new Answer("irq", wasDead ? "null" : handled != 0 ? "1" : "0"));
        answers.Add(new Answer("dead", queues.Exists(static queue => queue.IsDead) ? "true" : "false"));
        if (step.Arriving is not null)
        {
            answers.Add(new Answer("arrived", QueueAnswers.Booleans(step.Arriving.Select((_, i) => _arrived?[i]))));
        }
    }

    private PageRequest MakeRequest(PageRequestFields fields) => new()
    {
        Device = _devices[fields.Device],
        Pasid = fields.Pasid,
        Address = fields.Address,
        Rights = fields.Rights,
        GroupIndex = fields.Group,
        IsLastInGroup = fields.IsLast,
        PrivateData = fields.PrivateData,
    };

    private PageRequestQueue FindQueue(string device) => _queues.Find(queue => ReferenceEquals(queue.Iommu, _devices[device].Iommu))!;

    private AddressRegionMap FindRegions(AddressSpace addressSpace)
    {
        if (addressSpace.FaultHandler is AddressRegionMap map)
        {
            return map;
        }

        var limits = new AddressRegionMap();
        map = new AddressRegionMap
        {
            StackLimit = _topology.Stacks.Limit ?? limits.StackLimit,
            StackGuardGap = _topology.Stacks.GuardGap ?? limits.StackGuardGap,
            MinimumMapAddress = _topology.Stacks.MinimumAddress ?? limits.MinimumMapAddress,
            PageFaultHandler = BringIn,
        };
        addressSpace.FaultHandler = map;
        return map;
    }

    /// <summary>Adds a region, of which the reader has found out all but whether another is in its way.</summary>
    private bool TryMapRegion(AddressSpace addressSpace, MapRegionStep step)
    {
        try
        {
            FindRegions(addressSpace).Add(step.Region);
            _faults[(addressSpace, step.Region.Last)] = step.Fault;
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private FaultOutcome BringIn(AddressSpace addressSpace, ulong page, bool isWrite)
    {
        AddressRegion region = FindRegions(addressSpace).Regions.First(region => region.Last >= page);
        string fault = _faults.GetValueOrDefault((addressSpace, region.Last), Faults.Ok);
        if (fault == Faults.Exit)
        {
            _faults[(addressSpace, region.Last)] = Faults.Ok;
            _log.Add($"exit {addressSpace}");
            addressSpace.Exit();
            _left.Add(addressSpace.Name);
        }

        int bits = Faults.Bits[fault];
        _log.Add(string.Create(CultureInfo.InvariantCulture, $"fault {addressSpace} 0x{page:x} write={(isWrite ? 1 : 0)} -> 0x{bits:x}"));
        return Faults.Outcome(bits);
    }

    private void Tell(string name, SvmDevice device, Ioasid pasid, ulong address, UInt128? privateData, PageRequestRights rights, PageResponseCode code)
    {
        string request = string.Create(CultureInfo.InvariantCulture, $"{name} {device} pasid={pasid} address=0x{address:X}");
        string outcome = string.Create(CultureInfo.InvariantCulture, $"rwxp={(int)rights} result={(int)code}");
        _told.Add($"{request} private={FirstWord(privateData)} {outcome}");
        _log.Add($"callback {request} private={Words(privateData)} {outcome}");
    }

    private void ClearAnswering()
    {
        _responses.Clear();
        _told.Clear();
        _log.Clear();
        _arrived = null;
    }

    /// <summary>Adds what a recording of page requests has of a step besides what it answers.</summary>
    /// <returns>Whether it has what every step can change, too.</returns>
    private bool AddAnswering(Step step, List<Answer> answers)
    {
        switch (step)
        {
            case MapRegionStep:
                _regions = WriteRegions();
                answers.Add(new Answer("regions", _regions));
                return false;
            case CoreDumpStep:
                return false;
            case PageRequestStep:
                answers.Add(new Answer("queues", QueueAnswers.Registers(_queues)));
                return false;
            case UnbindStep when _log.Count == 0 || Binder.Profile.PageRequests < PageRequestRules.Linux58:
                break;
            case ProcessStep or UnbindStep:
                string before = _regions;
                _regions = WriteRegions();
                AddAnswers(answers);
                answers.Add(new Answer("regions", _regions == before ? PageRequestExpectations.Unchanged : _regions));
                break;
        }

        answers.Add(new Answer("users", WriteUsers));
        return true;
    }

    private void AddAnswers(List<Answer> answers)
    {
        answers.Add(new Answer("responses", Canonical.Strings(_responses.Select(static response => Describe(in response)))));
        answers.Add(new Answer("callbacks", Canonical.Strings(_told)));
        answers.Add(new Answer("descs", QueueAnswers.Descriptors(_responses)));
        answers.Add(new Answer("log", Canonical.Strings(_log)));
        answers.Add(new Answer("queues", QueueAnswers.Registers(_queues)));
    }

    private string WriteRegions() => QueueAnswers.Regions(_addressSpaces
        .Where(static addressSpace => !addressSpace.IsDestroyed)
        .Select(static addressSpace => (addressSpace.Name, (addressSpace.FaultHandler as AddressRegionMap)?.Regions ?? [])));

    private string WriteUsers(int limit) => Canonical.NumbersByName(
        _addressSpaces
            .Where(addressSpace => !addressSpace.IsDestroyed)
            .Select(addressSpace => KeyValuePair.Create(addressSpace.Name, addressSpace.Users)),
        limit);

    private void AddLife(List<Answer> answers)
    {
        AddAnswers(answers);
        answers.Add(new Answer("regions", _ => WriteRegions()));
        answers.Add(new Answer("users", WriteUsers));
        answers.Add(new Answer("msrs", limit => Canonical.NumbersByName(
            _threads.Values
                .Where(thread => !thread.HasExited)
                .Select(thread => KeyValuePair.Create(thread.Name, (long)thread.Msr.Value)),
            limit)));
    }
}

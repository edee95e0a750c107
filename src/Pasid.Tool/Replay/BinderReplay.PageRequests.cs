using System.Globalization;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <content>Page requests, and what a step did to users and registers.</content>
internal sealed partial class BinderReplay : IPageResponder
{
    private readonly List<string> _responses = [];
    private readonly List<string> _told = [];

    public PageRequestQueue Queue { get; }

    void IPageResponder.Respond(in PageResponse response) => _responses.Add(string.Create(
        CultureInfo.InvariantCulture,
        $"{response.Device} pasid={response.Pasid?.ToString() ?? "none"} group={response.GroupIndex} code={(int)response.Code} private={response.PrivateData?.ToString(CultureInfo.InvariantCulture) ?? "none"}"));

    private bool ApplyToQueues(Step step, List<Answer> answers)
    {
        switch (step)
        {
            case MapRegionStep s:
                AddressSpace addressSpace = FindAddressSpace(s.AddressSpace);
                if (addressSpace.FaultHandler is not AddressRegionMap map)
                {
                    addressSpace.FaultHandler = map = new AddressRegionMap();
                }

                answers.Add(Number("ret", TryAdd(map, s.Region) ? 0 : (long)PasidStatus.InvalidArgument));
                return true;
            case PageRequestStep s:
                var request = new PageRequest
                {
                    Device = _devices[s.Device],
                    Pasid = s.Request.Pasid,
                    Address = s.Request.Address,
                    Rights = s.Request.Rights,
                    GroupIndex = s.Request.Group,
                    IsLastInGroup = s.Request.IsLast,
                    PrivateData = s.Request.PrivateData,
                };
                answers.Add(new Answer("ret", Queue.TryEnqueue(in request) ? "true" : "false"));
                return true;
            case ProcessStep:
                answers.Add(Number("ret", Queue.Process()));
                return true;
            default:
                return false;
        }
    }

    /// <summary>Adds a region, of which the reader has found out all but whether another is in its way.</summary>
    private static bool TryAdd(AddressRegionMap map, AddressRegion region)
    {
        try
        {
            map.Add(region);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private void AddLife(List<Answer> answers)
    {
        answers.Add(new Answer("responses", Canonical.Strings(_responses)));
        answers.Add(new Answer("callbacks", Canonical.Strings(_told)));
        answers.Add(new Answer("users", limit => Canonical.NumbersByName(
            _addressSpaces
                .Where(addressSpace => !addressSpace.IsDestroyed)
                .Select(addressSpace => KeyValuePair.Create(addressSpace.Name, addressSpace.Users)),
            limit)));
        answers.Add(new Answer("msrs", limit => Canonical.NumbersByName(
            _threads.Values
                .Where(thread => !thread.HasExited)
                .Select(thread => KeyValuePair.Create(thread.Name, (long)thread.Msr.Value)),
            limit)));
    }
}

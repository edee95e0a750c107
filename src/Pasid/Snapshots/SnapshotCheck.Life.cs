using System.Globalization;

namespace Pasid.Internal;

/// <content>Users, threads, portals and page requests.</content>
internal sealed partial class SnapshotCheck
{
    private void CheckUsers(AddressSpaceEntry addressSpace)
    {
        string what = $"the address space '{addressSpace.Name}'";
        if (addressSpace.ExtraUsers < 0 || addressSpace.LeakedUsers < 0 || addressSpace.LeakedUsers > addressSpace.ExtraUsers || addressSpace.ExtraPins < 0)
        {
            Add($"{what} has {addressSpace.ExtraUsers} extra users, {addressSpace.LeakedUsers} of them left behind, and {addressSpace.ExtraPins} pins");
        }

        if (addressSpace.LeakedUsers != 0 && !profile.Has(KernelQuirks.NonCanonicalFaultLeaksUser))
        {
            Add($"{what} has users that were left behind, which the profile does not do");
        }

        IReadOnlyList<ThreadEntry> threads = addressSpace.Threads ?? [];
        if (addressSpace.HasLeft && threads.Count != 0)
        {
            Add($"the process of {what} has left, and has threads");
        }

        foreach (ThreadEntry thread in threads)
        {
            if (thread?.Name is null)
            {
                Add($"{what} has a thread without a name");
            }
            else if (thread.Msr != 0 && thread.Msr != (addressSpace.Pasid | PasidMsr.ValidBit))
            {
                Add($"the thread '{thread.Name}' of {what} has 0x{thread.Msr:X} in its register");
            }
        }

        var addresses = new HashSet<ulong>();
        foreach (PortalEntry portal in addressSpace.Portals ?? [])
        {
            if (portal?.Portal is null || portal.Address % PortalMap.PageLength != 0 || !addresses.Add(portal.Address) || addressSpace is { HasLeft: true, ExtraUsers: 0 })
            {
                Add($"{what} has a portal without a name, at no page, mapped where another is, or after its exit");
            }
        }
    }

    private void CheckQueues()
    {
        foreach (QueueEntry queue in snapshot.Queues ?? [])
        {
            foreach (RequestEntry request in queue?.Requests ?? [])
            {
                if (request?.Device is null || request.GroupIndex is < 0 or > RequestRing.MaxGroupIndex
                    || (request.PrivateData is { } data && !UInt128.TryParse(data, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
                {
                    Add("a page request has no device, a group index that is not 0 to 511, or private data that is no number");
                }
            }

            if (queue?.Requests?.Any(request => request is not null && !Rights.AreDefined(request.Rights)) == true)
            {
                Add("a page request has undefined rights");
            }

            if (queue?.Requests is null)
            {
                Add("a page request queue has no requests");
            }
        }
    }
}

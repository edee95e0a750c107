namespace Pasid.Internal;

/// <summary>All text of a snapshot; whatever is missing of it is skipped.</summary>
internal static class SnapshotText
{
    /// <summary>Finds text that UTF-8 cannot carry, and says whose it is.</summary>
    public static IEnumerable<string> FindBroken(SnapshotFile snapshot)
    {
        for (int i = 0; i < (snapshot.Owners?.Count ?? 0); i++)
        {
            if (IsBroken(snapshot.Owners![i]))
            {
                yield return Say($"owner {i}", snapshot.Owners[i]);
            }
        }

        foreach (IdEntry? id in snapshot.Ids ?? [])
        {
            if (IsBroken(id?.Data))
            {
                yield return Say($"the data of id {id!.Id}", id.Data);
            }
        }

        for (int i = 0; i < (snapshot.AddressSpaces?.Count ?? 0); i++)
        {
            foreach (string broken in FindBroken(snapshot.AddressSpaces![i], i))
            {
                yield return broken;
            }
        }

        for (int i = 0; i < (snapshot.Bindings?.Count ?? 0); i++)
        {
            foreach (string broken in FindBroken(snapshot.Bindings![i], i))
            {
                yield return broken;
            }
        }

        for (int i = 0; i < (snapshot.Queues?.Count ?? 0); i++)
        {
            foreach (RequestEntry? request in snapshot.Queues![i]?.Requests ?? [])
            {
                if (IsBroken(request?.Device))
                {
                    yield return Say($"the device of a request of queue {i}", request!.Device);
                }

                if (IsBroken(request?.PrivateData))
                {
                    yield return Say($"the private data of a request of queue {i}", request!.PrivateData);
                }
            }
        }
    }

    private static IEnumerable<string> FindBroken(AddressSpaceEntry? addressSpace, int index)
    {
        if (IsBroken(addressSpace?.Name))
        {
            yield return Say($"address space {index}", addressSpace!.Name);
        }

        foreach (ThreadEntry? thread in addressSpace?.Threads ?? [])
        {
            if (IsBroken(thread?.Name))
            {
                yield return Say($"a thread of address space {index}", thread!.Name);
            }
        }

        foreach (PortalEntry? portal in addressSpace?.Portals ?? [])
        {
            if (IsBroken(portal?.Portal))
            {
                yield return Say($"a portal of address space {index}", portal!.Portal);
            }
        }
    }

    private static IEnumerable<string> FindBroken(BindingEntry? binding, int index)
    {
        if (IsBroken(binding?.FirstDevice))
        {
            yield return Say($"the first device of binding {index}", binding!.FirstDevice);
        }

        foreach (DeviceEntry? device in binding?.Devices ?? [])
        {
            if (IsBroken(device?.Device))
            {
                yield return Say($"a device of binding {index}", device!.Device);
            }

            if (IsBroken(device?.Callbacks))
            {
                yield return Say($"a callback table of binding {index}", device!.Callbacks);
            }
        }
    }

    private static bool IsBroken(string? text) => Names.FindBroken(text) >= 0;

    private static string Say(string whose, string? text) => $"the name of {whose} has half of a surrogate pair at index {Names.FindBroken(text)}";
}

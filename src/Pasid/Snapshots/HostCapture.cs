namespace Pasid.Internal;

/// <summary>Copies the state of a host inside its gates; it is named outside.</summary>
internal static class HostCapture
{
    /// <summary>Copies everything as of one moment.</summary>
    public static HostState Copy(BindingEngine engine, IoasidAllocator allocator, string name)
    {
        using Standstill still = engine.Queues.EnterStill(name);
        engine.Processes.Gate.ThrowIfDisposed();
        engine.Processes.HoldStill([]);
        Array.ForEach(still.Rings, static ring => ring.Enter());
        try
        {
            return Copy(engine, allocator, still.Rings);
        }
        finally
        {
            Array.ForEach(still.Rings, static ring => ring.Leave());
            engine.Processes.LetGo([]);
        }
    }

    private static HostState Copy(BindingEngine engine, IoasidAllocator allocator, RequestRing[] rings)
    {
        List<HostState.Space> addressSpaces = [];
        for (AddressSpace? kept = engine.Processes.NewestKept; kept is not null; kept = kept.KeptBefore)
        {
            addressSpaces.Add(Copy(kept));
        }

        return new HostState(
            addressSpaces,
            engine.Table.Collect().ConvertAll(record => new HostState.Binding(record, record.Pasid, record.FirstDevice, record.PictureDevices())),
            [.. engine.Numbers.Leaked?.InOrder ?? []],
            [.. rings.Select(static ring => ring.CopyUnsynchronized())],
            allocator.Active.CopyLiveIds(engine.Source.Holder, out uint next, out uint[] held),
            next,
            held);
    }

    private static HostState.Space Copy(AddressSpace addressSpace) => new(
        addressSpace,
        addressSpace.Pasid,
        addressSpace.HasLeft,
        addressSpace.ExtraUsers,
        addressSpace.LeakedUsers,
        addressSpace.ExtraPins,
        [.. addressSpace.Threads?.Select(thread => (thread.Name, thread.Msr)) ?? []],
        addressSpace.CopyPortalsUnsynchronized());
}

namespace Pasid.Internal;

/// <summary>Copies the state of a host inside its gates; it is named outside.</summary>
internal static class HostCapture
{
    /// <summary>Copies everything as of one moment.</summary>
    /// <param name="engine">The bindings of the host.</param>
    /// <param name="allocator">Where its PASIDs come from.</param>
    /// <param name="name">What to call the operation in messages.</param>
    /// <exception cref="InvalidOperationException">The allocator has custom allocators or serves another binder too.</exception>
    /// <exception cref="ObjectDisposedException">The host is disposed.</exception>
    public static HostState Copy(BindingEngine engine, IoasidAllocator allocator, string name)
    {
        var state = new HostState();
        using Standstill still = engine.Queues.EnterStill(name);
        engine.Processes.Gate.ThrowIfDisposed();
        engine.Processes.HoldStill([]);
        Array.ForEach(still.Rings, static ring => ring.Enter());
        try
        {
            Copy(engine, allocator, still.Rings, state);
        }
        finally
        {
            Array.ForEach(still.Rings, static ring => ring.Leave());
            engine.Processes.LetGo([]);
        }

        return state;
    }

    private static void Copy(BindingEngine engine, IoasidAllocator allocator, RequestRing[] rings, HostState state)
    {
        for (AddressSpace? kept = engine.Processes.NewestKept; kept is not null; kept = kept.KeptBefore)
        {
            state.AddressSpaces.Add(Copy(kept));
        }

        state.Bindings = engine.Table.Collect().ConvertAll(record => new HostState.Binding(record, record.Pasid, record.FirstDevice, record.PictureDevices()));
        state.Leaked.AddRange(engine.Numbers.Leaked?.InOrder ?? []);
        foreach (RequestRing ring in rings)
        {
            state.Queues.Add(new HostState.Queue(ring.CopyUnsynchronized(), ring.HasOverflowed));
        }

        state.Ids = allocator.Active.CopyLiveIds(engine.Source.Holder, out uint next, out uint[] held);
        state.NextId = next;
        state.HeldIds = held;
    }

    private static HostState.Space Copy(AddressSpace addressSpace) => new(
        addressSpace,
        addressSpace.Pasid,
        addressSpace.HasLeft,
        addressSpace.UserCount.Extra,
        addressSpace.LeakedUsers,
        addressSpace.ExtraPins,
        [.. addressSpace.Threads?.Select(thread => (thread.Name, thread.Msr)) ?? []],
        addressSpace.CopyPortalsUnsynchronized());
}

using Pasid.Internal;

namespace Pasid;

/// <content>The care of a host: pictures, statistics, integrity, snapshots.</content>
public sealed partial class SvmBinder
{
    /// <inheritdoc/>
    public IReadOnlyList<SvmBindingInfo> GetBindings()
    {
        using Operation operation = _gate.EnterAnyhow();
        return _bindings.Table.Collect()
            .ConvertAll(record => new SvmBindingInfo(record.Pasid, record.AddressSpace, record.Flags, record.PictureDevices().AsReadOnly()))
            .AsReadOnly();
    }

    /// <inheritdoc/>
    public IReadOnlyList<Ioasid> GetLeakedPasids()
    {
        using Operation operation = _gate.EnterAnyhow();
        return _bindings.Numbers.Leaked?.InOrder.ToArray() ?? [];
    }

    /// <inheritdoc/>
    public SvmStatistics GetStatistics()
    {
        using Operation operation = _gate.EnterAnyhow();
        Cpu cpu = _bindings.Processes.Cpu;
        PageRequestStatistics requests = Queues.GetStatistics();
        return new SvmStatistics(_failures.Defined())
        {
            Capacity = Math.Max(_pasidLimit - 1, 0),
            Bindings = _bindings.Table.Count,
            AddressSpaces = _bindings.Processes.KeptCount,
            LeakedPasids = _bindings.Numbers.Leaked?.Count ?? 0,
            Binds = _bindings.Binds,
            Unbinds = _bindings.Unbinds,
            OtherFailures = _failures.Others(),
            Commands = cpu.Count(EnqcmdOutcome.Accepted),
            Retries = cpu.Count(EnqcmdOutcome.Retry),
            InstructionFaults = cpu.Count(EnqcmdOutcome.InvalidOpcode) + cpu.Count(EnqcmdOutcome.GeneralProtection) + cpu.Count(EnqcmdOutcome.PageFault),
            Fixups = cpu.Fixups,
            PageRequests = requests.Requests,
            PageRequestOverflows = requests.Overflows,
            PageResponses = requests.Successes + requests.InvalidRequests + requests.Failures,
        };
    }

    /// <summary>Walks every structure of binder and allocator and finds what is not as it has to be.</summary>
    /// <returns>What is wrong. What a quirk of the profile reproduces is told with the quirk's name; empty if all is well.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a callback.</exception>
    /// <remarks>
    /// On the class alone, because nobody else can look into these structures. The binder stands still meanwhile; lookups go on. Address spaces that were dropped without an exit are still checked,
    /// because the binder keeps those that have something to lose. O(live).
    /// </remarks>
    public IReadOnlyList<IntegrityFinding> CheckIntegrity() => new HostCheck(_bindings).Run(nameof(CheckIntegrity));

    /// <summary>Takes a picture of the whole host, allocator and binder together, as of one moment.</summary>
    /// <param name="map">How objects are named; <see langword="null"/> for the defaults.</param>
    /// <returns>The picture, which <see cref="Restore"/> brings back.</returns>
    /// <exception cref="InvalidOperationException">Called from inside a callback; or the allocator is not an
    /// <see cref="IoasidAllocator"/>, has custom allocators or serves another binder too; or something has no name, or not one of its own.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>On the class alone, as is <see cref="Restore"/>: a snapshot is opaque, and made here or loaded.
    /// Waits until no request is being answered and no unbind drains. The host stands still while its state is copied, users that come
    /// and go, portals, registers and queues included, and goes on while it is named. O(live).</remarks>
    public PasidSnapshot CaptureSnapshot(PasidSnapshotMap? map = null)
    {
        HostState state = HostCapture.Copy(_bindings, OwnAllocator(), nameof(CaptureSnapshot));
        PasidSnapshot snapshot = new SnapshotWriter(_bindings, state, map ?? new PasidSnapshotMap()).Write();
        _logger?.SnapshotCaptured(snapshot.LiveCount, snapshot.BindingCount);
        return snapshot;
    }

    /// <summary>Brings the host, allocator and binder together, into the state of a snapshot; or changes nothing.</summary>
    /// <param name="snapshot">The snapshot, of this host or another one with the same lifetime and quirks.</param>
    /// <param name="map">Which objects the names stand for; <see langword="null"/> for the defaults, which suffice where nothing is bound.</param>
    /// <returns>The address spaces of the snapshot, in the order in which they came to have a PASID or a binding.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="snapshot"/> is <see langword="null"/>.</exception>
    /// <exception cref="FormatException">No host can have been in that state, or a name stands for nothing; what is wrong is listed. Or
    /// it may take more memory than <see cref="PasidSnapshotMap.MemoryLimit"/>.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a callback; or the allocator is not an
    /// <see cref="IoasidAllocator"/>, has custom allocators or serves another binder too.</exception>
    /// <exception cref="ObjectDisposedException">The binder is disposed.</exception>
    /// <remarks>
    /// <para>Waits until no request is being answered and no unbind drains. All that can fail comes before the first change. It is one moment
    /// for every call; only properties of address spaces and threads that are read beside it may each be of before or of afterwards.</para>
    /// <para>Whatever was bound before is let go of without a word to IOMMUs and observers: the hardware model around the host goes
    /// back with it. Ids that others allocated from the allocator go too. Address spaces that are not in the snapshot are bound to
    /// nothing then; handles of before do nothing when disposed. Other threads stand for those of before. Page request queues that are
    /// attached get the requests of the snapshot in the order in which they were attached; <see cref="AddressSpace.FaultHandler"/> stays.</para>
    /// <para>O(live), of the snapshot and of the host.</para>
    /// </remarks>
    /// <example>
    /// <code>
    /// PasidSnapshot before = binder.CaptureSnapshot();
    /// // ... the simulation goes on, and then back:
    /// var map = new PasidSnapshotMap { FindDevice = name => devices[name], FindAddressSpace = name => processes[name] };
    /// binder.Restore(before, map);
    /// </code>
    /// </example>
    public IReadOnlyList<AddressSpace> Restore(PasidSnapshot snapshot, PasidSnapshotMap? map = null)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        IoasidAllocator allocator = OwnAllocator();
        var reader = new SnapshotReader(_bindings, allocator.ReusePolicy, snapshot.File, map ?? new PasidSnapshotMap());
        reader.Read();
        string? refusal = reader.Errors.Count != 0 ? string.Join("; ", reader.Errors) : new HostRestore(_bindings, allocator, reader).Run(nameof(Restore));
        if (refusal is not null)
        {
            _logger?.SnapshotRefused(refusal);
            throw new FormatException($"The snapshot cannot be restored: {refusal}.");
        }

        _logger?.SnapshotRestored(snapshot.LiveCount, snapshot.BindingCount);
        return reader.AddressSpaces.AsReadOnly();
    }

    private IoasidAllocator OwnAllocator() => _ownAllocator
        ?? throw new InvalidOperationException($"Only the state of an {nameof(IoasidAllocator)} can be captured and restored, and this binder is over another allocator.");
}

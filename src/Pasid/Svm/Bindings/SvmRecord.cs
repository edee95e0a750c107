namespace Pasid.Internal;

/// <summary>
/// One binding: a PASID, its address space and its devices (<c>struct intel_svm</c>). It is the data object of its
/// PASID, by which lookups reach its <see cref="SvmTarget"/> without a lock. The rest is guarded by the gate of the host.
/// </summary>
/// <remarks>
/// Where an address space keeps its PASID, its shared binding comes and goes with always the same number, and its record
/// is used again (<see cref="AddressSpace.Spare"/>). A lookup that found the record before it was released and reads
/// its status after it is bound again still answers the truth: number and address space have not changed.
/// </remarks>
internal sealed class SvmRecord(BindingEngine engine, AddressSpace? addressSpace, SvmBindFlags flags) : SvmTarget(engine, addressSpace), IRequestTarget
{
    /// <summary>The devices, the one bound last first.</summary>
    public BoundDevices Devices;

    /// <summary>Gets what kind of PASID was asked for. Immutable.</summary>
    public SvmBindFlags Flags { get; } = flags;

    /// <summary>Gets or sets the device that was bound first; it may have been unbound since.</summary>
    public required SvmDevice FirstDevice { get; set; }

    /// <summary>Gets a value indicating whether later binds of the same address space join this binding. Immutable.</summary>
    public bool IsShared => (Flags & SvmBindFlags.Private) == 0;

    public Ioasid Pasid { get; set; } = Ioasid.Invalid;

    /// <summary>Gets or sets a value indicating whether it is told of the exit of its address space, and pins it.</summary>
    public bool IsRegistered { get; set; }

    /// <summary>Gets or sets which binding of the binder it is, counted from the first; the order of their pictures.</summary>
    public long Number { get; set; }

    /// <summary>Gets the device that was bound last.</summary>
    public SvmDeviceRecord? NewestDevice => Devices.Newest;

    public SvmDeviceRecord? FindDevice(SvmDevice device) => Devices.Find(device);

    public bool TryFindDevice(SvmDevice device, bool isByRequesterId, out ISvmDeviceCallbacks? callbacks)
    {
        bool isBound = isByRequesterId
            ? Devices.TryRead(device.SourceId, out callbacks, out bool isDraining)
            : Devices.TryRead(device, out callbacks, out isDraining);
        callbacks = isDraining ? null : callbacks;
        return isBound && !isDraining;
    }

    /// <summary>Tells whether the entry of a device is set up, without the gate: from the end of the bind to the begin of the tear-down.</summary>
    public bool HasEntry(SvmDevice device) =>
        Devices.TryRead(device, out _, out bool isDraining) && !isDraining && AddressSpace is not { HasExited: true };

    /// <summary>Pictures the devices, the one bound last first.</summary>
    public List<SvmDeviceInfo> PictureDevices()
    {
        List<SvmDeviceInfo> devices = [];
        for (SvmDeviceRecord? record = NewestDevice; record is not null; record = record.Older)
        {
            devices.Add(new SvmDeviceInfo(record.Device, record.Users, record.Callbacks));
        }

        return devices;
    }
}

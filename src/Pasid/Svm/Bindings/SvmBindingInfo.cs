namespace Pasid;

/// <summary>Pictures one binding: a PASID, the address space behind it, and the devices that use it.</summary>
/// <remarks>Immutable as long as the list that it was made with is; safe for concurrent use.</remarks>
public sealed record SvmBindingInfo
{
    /// <summary>Makes a picture.</summary>
    /// <param name="pasid">The PASID.</param>
    /// <param name="addressSpace">The address space; <see langword="null"/> for the supervisor's own.</param>
    /// <param name="flags">What kind of PASID was asked for.</param>
    /// <param name="devices">The devices, the one bound last first.</param>
    public SvmBindingInfo(Ioasid pasid, AddressSpace? addressSpace, SvmBindFlags flags, IReadOnlyList<SvmDeviceInfo> devices)
    {
        Pasid = pasid;
        AddressSpace = addressSpace;
        Flags = flags;
        Devices = devices;
    }

    /// <summary>Gets the PASID.</summary>
    public Ioasid Pasid { get; }

    /// <summary>Gets the address space.</summary>
    /// <value><see langword="null"/> for the supervisor's own.</value>
    public AddressSpace? AddressSpace { get; }

    /// <summary>Gets what kind of PASID was asked for.</summary>
    public SvmBindFlags Flags { get; }

    /// <summary>Gets the devices.</summary>
    /// <value>The one bound last comes first.</value>
    public IReadOnlyList<SvmDeviceInfo> Devices { get; }
}

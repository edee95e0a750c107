namespace Pasid.Internal;

/// <summary>What a PASID leads a page request to, found and read without the gate of the host.</summary>
internal interface IRequestTarget
{
    /// <summary>Gets whose page it is; <see langword="null"/> for the supervisor's own.</summary>
    AddressSpace? AddressSpace { get; }

    /// <summary>Finds a device among those that are bound and not being unbound.</summary>
    /// <param name="device">The device.</param>
    /// <param name="isByRequesterId">Whether another one counts whose requests carry the same id.</param>
    /// <param name="callbacks">The callbacks that it was bound with.</param>
    bool TryFindDevice(SvmDevice device, bool isByRequesterId, out ISvmDeviceCallbacks? callbacks);
}

/// <summary>Finds what page requests are for: the bindings of the host.</summary>
internal interface IRequestTargets
{
    /// <summary>Finds what a PASID is bound to, without the gate of the host.</summary>
    /// <param name="pasid">The PASID.</param>
    /// <param name="isUnknown">Whether it is not even allocated.</param>
    /// <returns><see langword="null"/> if it is bound to nothing.</returns>
    IRequestTarget? Find(Ioasid pasid, out bool isUnknown);

    /// <summary>Tells whether the PASID entry of a device is present, without the gate of the host.</summary>
    bool HasEntry(SvmDevice device, Ioasid pasid);
}

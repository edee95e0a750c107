namespace Pasid.Internal;

/// <summary>What a PASID leads a page request to, found and read without the gate of the host.</summary>
internal interface IRequestTarget
{
    /// <summary>Gets whose page it is; <see langword="null"/> for the supervisor's own.</summary>
    AddressSpace? AddressSpace { get; }

    /// <summary>Finds the callbacks that a device was bound with.</summary>
    ISvmDeviceCallbacks? FindCallbacks(SvmDevice device);
}

/// <summary>Finds what page requests are for: the bindings of the host.</summary>
internal interface IRequestTargets
{
    /// <summary>Finds what a PASID is bound to, without the gate of the host.</summary>
    /// <returns><see langword="null"/> if it is bound to nothing.</returns>
    IRequestTarget? Find(Ioasid pasid);
}

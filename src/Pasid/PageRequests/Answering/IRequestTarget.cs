namespace Pasid.Internal;

/// <summary>What a PASID leads a page request to, found and read without the gate of the host.</summary>
internal interface IRequestTarget
{
    /// <summary>Gets whose page it is; <see langword="null"/> for the supervisor's own.</summary>
    AddressSpace? AddressSpace { get; }

    /// <summary>Finds the callbacks that a device was bound with.</summary>
    ISvmDeviceCallbacks? FindCallbacks(SvmDevice device);
}

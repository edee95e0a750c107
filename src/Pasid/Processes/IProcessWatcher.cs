namespace Pasid.Internal;

/// <summary>Who has to know of the ends of address spaces: the binder of the host. Called inside the gate.</summary>
internal interface IProcessWatcher
{
    /// <summary>Asks whether the copy of an address space succeeds.</summary>
    PasidStatus OnCopy(in Operation operation, AddressSpace parent);

    /// <summary>Tells that the last user has gone: nothing may translate any more.</summary>
    void OnLastUserGone(in Operation operation, AddressSpace addressSpace);

    /// <summary>Tells that the last pin has gone too: the address space is destroyed.</summary>
    void OnLastPinGone(in Operation operation, AddressSpace addressSpace);
}

namespace Pasid;

/// <summary>The everyday forms of <see cref="ISvmBinder"/>.</summary>
/// <remarks>All members are safe for concurrent use if the binder is.</remarks>
public static class SvmBinderExtensions
{
    /// <summary>Binds an address space to a device with the PASID that it shares over all its devices.</summary>
    /// <param name="binder">The binder.</param>
    /// <param name="device">The device.</param>
    /// <param name="addressSpace">The address space.</param>
    /// <param name="pasid">The PASID; <see cref="Ioasid.Invalid"/> if none was stored.</param>
    /// <returns>As <see cref="ISvmBinder.BindMm"/> without flags and callbacks.</returns>
    /// <exception cref="ArgumentNullException">An argument is <see langword="null"/>.</exception>
    /// <remarks>Models <c>intel_svm_bind_mm</c>.</remarks>
    public static PasidStatus BindMm(this ISvmBinder binder, SvmDevice device, AddressSpace addressSpace, out Ioasid pasid)
    {
        ArgumentNullException.ThrowIfNull(binder);
        return binder.BindMm(device, addressSpace, SvmBindFlags.None, callbacks: null, out pasid);
    }
}

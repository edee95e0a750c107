namespace Pasid;

/// <summary>
/// The callback table that a device driver gives with a bind. Repeated binds of a device to one PASID must give the
/// same object; otherwise they answer <see cref="PasidStatus.Busy"/>.
/// </summary>
/// <remarks>
/// <para>Identity is the object, and identity is all that bind and unbind look at. An implementation must be safe for
/// concurrent use.</para>
/// <para>Models <c>struct svm_dev_ops</c>.</para>
/// </remarks>
public interface ISvmDeviceCallbacks
{
    /// <summary>Gets what the callback table is called in messages.</summary>
    /// <value>Never <see langword="null"/>.</value>
    string Name { get; }

    /// <summary>Tells the driver how a page request of its device was answered; it cannot change that.</summary>
    /// <param name="device">The device that asked.</param>
    /// <param name="pasid">Of the request.</param>
    /// <param name="address">Of the request.</param>
    /// <param name="privateData">Of the request.</param>
    /// <param name="rights">Of the request.</param>
    /// <param name="code">How it is answered, before the response is given.</param>
    /// <remarks>
    /// By default nothing. Called outside the binder's gate; an implementation must not call the binder, which throws
    /// <see cref="InvalidOperationException"/>. Models <c>fault_cb</c>.
    /// </remarks>
    void OnPageRequest(SvmDevice device, Ioasid pasid, ulong address, UInt128? privateData, PageRequestRights rights, PageResponseCode code)
    {
    }
}

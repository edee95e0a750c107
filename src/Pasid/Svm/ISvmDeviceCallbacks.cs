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
}

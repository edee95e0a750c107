namespace Pasid;

/// <summary>Pictures one device of a binding.</summary>
/// <remarks>Immutable; safe for concurrent use. <c>default(SvmDeviceInfo)</c> has no device.</remarks>
public readonly record struct SvmDeviceInfo
{
    /// <summary>Makes a picture.</summary>
    /// <param name="device">The device.</param>
    /// <param name="users">How many binds are not undone yet; at least 1.</param>
    /// <param name="callbacks">The callback table it was bound with, or <see langword="null"/>.</param>
    public SvmDeviceInfo(SvmDevice device, long users, ISvmDeviceCallbacks? callbacks)
    {
        Device = device;
        Users = users;
        Callbacks = callbacks;
    }

    /// <summary>Gets the device.</summary>
    public SvmDevice Device { get; }

    /// <summary>Gets how many binds are not undone yet.</summary>
    /// <value>At least 1.</value>
    public long Users { get; }

    /// <summary>Gets the callback table it was bound with.</summary>
    /// <value><see langword="null"/> for none.</value>
    public ISvmDeviceCallbacks? Callbacks { get; }
}

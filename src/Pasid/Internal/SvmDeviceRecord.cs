namespace Pasid.Internal;

/// <summary>One device of a binding (<c>struct intel_svm_dev</c>). Guarded by the binder's gate.</summary>
internal sealed class SvmDeviceRecord(SvmDevice device, ISvmDeviceCallbacks? callbacks)
{
    public SvmDevice Device { get; } = device;

    public ISvmDeviceCallbacks? Callbacks { get; } = callbacks;

    /// <summary>Gets or sets how many binds are not undone yet; 0 once the device is unbound.</summary>
    public long Users { get; set; } = 1;

    /// <summary>Gets or sets the device that was bound before this one.</summary>
    public SvmDeviceRecord? Older { get; set; }
}

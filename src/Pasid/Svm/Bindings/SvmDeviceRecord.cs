namespace Pasid.Internal;

/// <summary>One device of a binding (<c>struct intel_svm_dev</c>). Guarded by the binder's gate.</summary>
internal sealed class SvmDeviceRecord
{
    /// <summary>Gets or sets the device; while the record is spare, the one that it stood for last.</summary>
    public SvmDevice Device { get; set; } = null!;

    public ISvmDeviceCallbacks? Callbacks { get; set; }

    /// <summary>Gets or sets how many binds are not undone yet; 0 once the device is unbound.</summary>
    public long Users { get; set; }

    /// <summary>Gets or sets a value indicating whether an <see cref="SvmBinding"/> was given out for it, so that it may never
    /// stand for another bind.</summary>
    public bool HasHandle { get; set; }

    /// <summary>Whether its unbind has left the gate to have page requests answered: until that is over, the device is bound, and nobody
    /// else binds or unbinds it.</summary>
    public bool IsDraining;

    /// <summary>Gets or sets the device that was bound before this one; among spare records, the next one.</summary>
    public SvmDeviceRecord? Older { get; set; }
}

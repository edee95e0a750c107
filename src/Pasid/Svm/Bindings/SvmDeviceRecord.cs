namespace Pasid.Internal;

/// <summary>One device of a binding (<c>struct intel_svm_dev</c>). Written inside the binder's gate.</summary>
/// <remarks>Page requests come across it without the gate, also once it stands for another device or hangs elsewhere; what they read is
/// volatile, so that they find out (<see cref="BoundDevices"/>).</remarks>
internal sealed class SvmDeviceRecord
{
    private volatile SvmDevice _device = null!;
    private volatile ISvmDeviceCallbacks? _callbacks;
    private volatile SvmDeviceRecord? _older;
    private volatile bool _isDraining;

    /// <summary>Gets or sets the device; while the record is spare, the one that it stood for last.</summary>
    public SvmDevice Device
    {
        get => _device;
        set => _device = value;
    }

    public ISvmDeviceCallbacks? Callbacks
    {
        get => _callbacks;
        set => _callbacks = value;
    }

    /// <summary>Gets or sets how many binds are not undone yet; 0 once the device is unbound.</summary>
    public long Users { get; set; }

    /// <summary>Gets or sets a value indicating whether an <see cref="SvmBinding"/> was given out for it, so that it may never
    /// stand for another bind.</summary>
    public bool HasHandle { get; set; }

    /// <summary>Gets or sets a value indicating whether its entry is torn down and its unbind has page requests answered, perhaps outside
    /// the gate: until that is over, the device is bound, and nobody else binds or unbinds it.</summary>
    public bool IsDraining
    {
        get => _isDraining;
        set => _isDraining = value;
    }

    /// <summary>Gets or sets the device that was bound before this one; among spare records, the next one.</summary>
    public SvmDeviceRecord? Older
    {
        get => _older;
        set => _older = value;
    }
}

namespace Pasid;

/// <summary>Pictures one device of a binding.</summary>
/// <remarks>Immutable; safe for concurrent use. <c>default(SvmDeviceInfo)</c> has no device.</remarks>
/// <param name="Device">The device.</param>
/// <param name="Users">How many binds are not undone yet; at least 1.</param>
/// <param name="Callbacks">The callback table it was bound with, or <see langword="null"/>.</param>
public readonly record struct SvmDeviceInfo(SvmDevice Device, long Users, ISvmDeviceCallbacks? Callbacks);

namespace Pasid;

/// <summary>Pictures one device of a binding in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Device">What <see cref="PasidSnapshotMap.NameDevice"/> called it.</param>
/// <param name="Users">How many binds are not undone yet, at least 1.</param>
/// <param name="Callbacks">What <see cref="PasidSnapshotMap.NameCallbacks"/> called its callback table; <see langword="null"/> for none.</param>
public sealed record SvmDeviceSnapshot(string Device, long Users, string? Callbacks = null);

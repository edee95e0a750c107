namespace Pasid.Tool.Scenarios;

/// <summary>One binding as the <c>svms</c> key shows it.</summary>
internal sealed record BindingAnswer(long Pasid, string? AddressSpace, long Flags, IReadOnlyList<KeyValuePair<string, long>> Devices);

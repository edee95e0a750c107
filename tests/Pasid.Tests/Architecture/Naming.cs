namespace Pasid.Tests.Architecture;

/// <summary>A member of one type names another type of the same assembly; both are types that stand in no other.</summary>
internal sealed record Naming(string From, string Member, string To);

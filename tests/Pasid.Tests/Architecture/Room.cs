namespace Pasid.Tests.Architecture;

/// <summary>A folder of the library, and the rooms whose types its own may name.</summary>
internal sealed record Room(string Name, params string[] Arrows);

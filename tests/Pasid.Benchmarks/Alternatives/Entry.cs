namespace Pasid.Benchmarks.Alternatives;

/// <summary>What the alternatives keep with an id.</summary>
internal readonly record struct Entry(object Data, object Owner);

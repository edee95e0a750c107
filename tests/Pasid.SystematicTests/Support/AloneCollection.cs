using System.Diagnostics.CodeAnalysis;

namespace Pasid.SystematicTests.Support;

/// <summary>Tests that run while no others do: what they plant is in the library for all.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "xunit calls it a collection.")]
public sealed class AloneCollection;

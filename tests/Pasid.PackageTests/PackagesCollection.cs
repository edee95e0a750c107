using System.Diagnostics.CodeAnalysis;
using Pasid.PackageTests.Support;

namespace Pasid.PackageTests;

/// <summary>The tests that share the packed packages.</summary>
[CollectionDefinition(nameof(PackedPackages))]
[SuppressMessage("Naming", "CA1711:Identifiers should not have incorrect suffix", Justification = "A collection of tests.")]
public sealed class PackagesCollection : ICollectionFixture<PackedPackages>;

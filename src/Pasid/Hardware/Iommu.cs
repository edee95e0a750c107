using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>An IOMMU that accepts everything and remembers nothing, for those who only need the PASIDs.</summary>
/// <remarks>Immutable; all members are safe for concurrent use.</remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed class Iommu : IIommu
{
    /// <summary>Makes an IOMMU that is capable of SVM and of supervisor requests.</summary>
    /// <param name="name">What to call it in messages and events.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    public Iommu(string name) => Name = Names.Check(name, nameof(name));

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public bool IsSvmCapable { get; init; } = true;

    /// <inheritdoc/>
    public bool SupportsSupervisor { get; init; } = true;

    /// <inheritdoc/>
    /// <returns><see cref="PasidStatus.Success"/>.</returns>
    public PasidStatus EnablePasid(SvmDevice device) => PasidStatus.Success;

    /// <inheritdoc/>
    /// <returns><see cref="PasidStatus.Success"/>.</returns>
    public PasidStatus SetUpPasidEntry(SvmDevice device, Ioasid pasid, AddressSpace? addressSpace) => PasidStatus.Success;

    /// <inheritdoc/>
    /// <remarks>Does nothing.</remarks>
    public void TearDownPasidEntry(SvmDevice device, Ioasid pasid)
    {
    }

    /// <inheritdoc/>
    /// <remarks>Does nothing.</remarks>
    public void Flush(SvmDevice device, Ioasid pasid)
    {
    }

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;
}

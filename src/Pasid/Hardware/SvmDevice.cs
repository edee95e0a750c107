using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Represents a device that address spaces can be bound to: what it is, what it is capable of and which IOMMU it is behind.
/// </summary>
/// <remarks>
/// <para>Identity is the object. A device belongs to no binder and holds no state of a binding.</para>
/// <para>Immutable; safe for concurrent use. Models <c>struct device</c> with what the driver asks of the PCI layer.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed class SvmDevice
{
    /// <summary>Makes a device.</summary>
    /// <param name="name">What to call it in messages and events.</param>
    /// <param name="iommu">The IOMMU it is behind; <see langword="null"/> for none, then no call for it succeeds.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    public SvmDevice(string name, IIommu? iommu)
    {
        Name = Names.Check(name, nameof(name));
        Iommu = iommu;
    }

    /// <summary>Gets what the device is called in messages and events.</summary>
    /// <value>Never <see langword="null"/>; need not be unique.</value>
    public string Name { get; }

    /// <summary>Gets the IOMMU that the device is behind.</summary>
    /// <value><see langword="null"/> for none.</value>
    public IIommu? Iommu { get; }

    /// <summary>Gets a value indicating whether this is a PCI device.</summary>
    /// <value>By default <see langword="true"/>. Other devices take any PASID of 20 bits, whatever <see cref="MaxPasids"/> says.</value>
    public bool IsPci { get; init; } = true;

    /// <summary>Gets how many PASIDs the device can tell apart: a count, so that it takes PASIDs below it.</summary>
    /// <value>By default 1048576; negative if the PCI layer cannot say, which makes each bind answer
    /// <see cref="PasidStatus.InvalidArgument"/>. Without meaning for devices that are not PCI.</value>
    /// <remarks>Models the answer of <c>pci_max_pasids</c>.</remarks>
    public int MaxPasids { get; init; } = IoasidRange.PasidLimit;

    /// <summary>Gets a value indicating whether the device supports PASIDs.</summary>
    /// <value>By default <see langword="true"/>.</value>
    /// <remarks>Models <c>pasid_supported</c> of <c>struct device_domain_info</c>.</remarks>
    public bool SupportsPasid { get; init; } = true;

    /// <summary>Gets the PCI segment of the device.</summary>
    /// <value>By default 0. Devices of several segments can have the same <see cref="SourceId"/>
    /// (<see cref="KernelQuirks.RequesterIdIsIdentity"/>).</value>
    public ushort Segment { get; init; }

    /// <summary>Gets the source id (bus, device and function) that its requests carry.</summary>
    /// <value>By default 0.</value>
    public ushort SourceId { get; init; }

    /// <summary>Gets a value indicating whether the device asks for pages (PRI).</summary>
    /// <value>By default <see langword="true"/>. The requests of one that does not are refused like those of one without an entry
    /// (<see cref="PageRequestQueueOptions.HardwareAnswers"/>), and its unbind has nothing to drain.</value>
    /// <remarks>Models <c>pri_enabled</c> of <c>struct device_domain_info</c>.</remarks>
    public bool HasPri { get; init; } = true;

    /// <summary>Gets a value indicating whether the device has a TLB of its own (ATS), which a flush must reach too.</summary>
    /// <value>By default <see langword="false"/>.</value>
    public bool HasAts { get; init; }

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;
}

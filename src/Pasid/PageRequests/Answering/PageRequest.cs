using Pasid.Internal;

namespace Pasid;

/// <summary>Represents what a device asks for: that a page of a process be there.</summary>
/// <remarks>
/// <para><c>default(PageRequest)</c> comes from no device, and no queue takes it.</para>
/// <para>Immutable; safe for concurrent use. Models <c>struct page_req_dsc</c>.</para>
/// </remarks>
public readonly record struct PageRequest
{
    internal const int PageShift = 12;

    private const ulong OffsetMask = (1ul << PageShift) - 1;

    /// <summary>Gets the device that asks.</summary>
    /// <value>In a queue never <see langword="null"/>, and behind the IOMMU of the queue.</value>
    public required SvmDevice Device { get; init; }

    /// <summary>Gets whose page it is.</summary>
    /// <value><see langword="null"/> for a request without PASID; else 0 to 1048575 in a queue, because a descriptor has 20 bits for it.</value>
    public Ioasid? Pasid { get; init; }

    /// <summary>Gets the address of the page.</summary>
    /// <value>A multiple of 4096: the low 12 bits of what it is set to are dropped, because a descriptor has none. Answered with <see cref="PageResponseCode.InvalidRequest"/> if it is not canonical; see <see cref="PasidOptions.AddressWidth"/>.</value>
    public ulong Address { get; init => field = value & ~OffsetMask; }

    /// <summary>Gets what the device wants to do with the page.</summary>
    /// <value>By default nothing in particular. No queue takes a request with undefined bits.</value>
    public PageRequestRights Rights { get; init; }

    /// <summary>Gets the number by which the device knows the group of requests that are answered together.</summary>
    /// <value>0 to 511.</value>
    public int GroupIndex { get; init; }

    /// <summary>Gets a value indicating whether it is the last of its group, which is when the group is answered.</summary>
    /// <value>By default <see langword="false"/>.</value>
    public bool IsLastInGroup { get; init; }

    /// <summary>Gets what the device wants to have back with the response.</summary>
    /// <value><see langword="null"/> for none; else two words of 64 bits, the first of them the lower one. With it the request is answered even if it is not the last of its group.</value>
    public UInt128? PrivateData { get; init; }

    /// <summary>Gets a value indicating whether the request is answered by itself.</summary>
    internal bool IsDue => IsLastInGroup || PrivateData is not null;

    /// <summary>Gets a value indicating whether the device says by it that it has stopped to use a PASID, and asks for no page.</summary>
    /// <value><see langword="true"/> if it has a PASID, is the last of its group, and wants neither to read nor to write.</value>
    /// <remarks>Models the stop marker message of PCI Express, 10.4.1.2.</remarks>
    public bool IsStopMarker =>
        Pasid is not null && IsLastInGroup && (Rights & (PageRequestRights.Read | PageRequestRights.Write)) == 0;

    /// <summary>Writes the request as the descriptor that the IOMMU puts into its queue.</summary>
    /// <param name="destination">Four words of 64 bits, the first of them first.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has less than four words, or the request has no device, a PASID of
    /// more than 20 bits, undefined rights or a group index that is not 0 to 511.</exception>
    /// <remarks>Models the layout of <c>struct page_req_dsc</c>.</remarks>
    public void WriteDescriptor(Span<ulong> destination)
    {
        DescriptorWords.ThrowIfShort(destination);
        ThrowIfImpossible(nameof(destination));
        DescriptorWords.Write(in this, destination);
    }

    /// <summary>Refuses a request that no descriptor can say.</summary>
    internal void ThrowIfImpossible(string parameterName)
    {
        if (Device is null)
        {
            throw new ArgumentException("The request comes from no device: requests come through the IOMMU of a device.", parameterName);
        }

        Internal.Rights.ThrowIfUndefined(Rights, parameterName);
        if (GroupIndex is < 0 or > DescriptorWords.MaxGroupIndex)
        {
            throw new ArgumentException($"The group index is {GroupIndex}: give 0 to {DescriptorWords.MaxGroupIndex}.", parameterName);
        }

        if (Pasid is { Value: >= IoasidRange.PasidLimit } pasid)
        {
            throw new ArgumentException($"The PASID is {pasid}: a descriptor has 20 bits for it, give 0 to {IoasidRange.PasidLimit - 1}.", parameterName);
        }
    }
}

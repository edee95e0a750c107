namespace Pasid;

/// <summary>Represents what a device asks for: that a page of a process be there.</summary>
/// <remarks>
/// <para><c>default(PageRequest)</c> comes from no device, and no queue takes it.</para>
/// <para>Immutable; safe for concurrent use. Models <c>struct page_req_dsc</c>.</para>
/// </remarks>
public readonly record struct PageRequest
{
    /// <summary>Gets the device that asks.</summary>
    /// <value>In a queue never <see langword="null"/>, and behind an IOMMU.</value>
    public required SvmDevice Device { get; init; }

    /// <summary>Gets whose page it is.</summary>
    /// <value><see langword="null"/> for a request without PASID.</value>
    public Ioasid? Pasid { get; init; }

    /// <summary>Gets an address in the page.</summary>
    /// <value>Answered with <see cref="PageResponseCode.InvalidRequest"/> if it is not canonical; see <see cref="PasidOptions.AddressWidth"/>.</value>
    public ulong Address { get; init; }

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
    /// <value><see langword="null"/> for none. With it the request is answered even if it is not the last of its group.</value>
    public UInt128? PrivateData { get; init; }

    /// <summary>Gets a value indicating whether the request is answered by itself.</summary>
    internal bool IsDue => IsLastInGroup || PrivateData is not null;
}

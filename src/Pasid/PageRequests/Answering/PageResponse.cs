using Pasid.Internal;

namespace Pasid;

/// <summary>Represents the answer to a group of page requests.</summary>
/// <remarks>Immutable; safe for concurrent use. Models the <c>QI_PGRP_RESP_TYPE</c> descriptor.</remarks>
public readonly record struct PageResponse
{
    /// <summary>Makes an answer.</summary>
    /// <param name="device">Who asked.</param>
    /// <param name="pasid">Of the request; <see langword="null"/> if it had none.</param>
    /// <param name="groupIndex">Of the request.</param>
    /// <param name="code">How the last request of the group ended, whatever the others did.</param>
    /// <param name="privateData">Of the request; <see langword="null"/> if the response says that there is none.</param>
    public PageResponse(SvmDevice device, Ioasid? pasid, int groupIndex, PageResponseCode code, UInt128? privateData)
    {
        Device = device;
        Pasid = pasid;
        GroupIndex = groupIndex;
        Code = code;
        PrivateData = privateData;
    }

    /// <summary>Gets who asked.</summary>
    public SvmDevice Device { get; }

    /// <summary>Gets the PASID of the request.</summary>
    /// <value><see langword="null"/> if it had none.</value>
    public Ioasid? Pasid { get; }

    /// <summary>Gets the group index of the request.</summary>
    public int GroupIndex { get; }

    /// <summary>Gets how the last request of the group ended, whatever the others did.</summary>
    public PageResponseCode Code { get; }

    /// <summary>Gets the private data of the response.</summary>
    /// <value>That of the request, <see langword="null"/> if it had none; what quirks make of it:
    /// <see cref="KernelQuirks.ResponseLosesPrivateData"/>, <see cref="KernelQuirks.ResponseClaimsPrivateData"/>.</value>
    public UInt128? PrivateData { get; }

    /// <summary>Gets a value indicating whether the request was the last of its group.</summary>
    /// <value>Otherwise it was answered for its private data.</value>
    public bool IsLastInGroup { get; init; }

    /// <summary>Gets the requester id: bus, device and function of who asked.</summary>
    /// <value>The <see cref="SvmDevice.SourceId"/> of <see cref="Device"/>.</value>
    public ushort RequesterId => Device.SourceId;

    /// <summary>Writes the answer as the descriptor that the driver submits to the IOMMU.</summary>
    /// <param name="destination">Four words of 64 bits, the first of them first.</param>
    /// <exception cref="ArgumentException"><paramref name="destination"/> has less than four words.</exception>
    /// <remarks>Models the layout of a page group response, <c>QI_PGRP_RESP_TYPE</c>.</remarks>
    public void WriteDescriptor(Span<ulong> destination)
    {
        DescriptorWords.ThrowIfShort(destination);
        DescriptorWords.Write(in this, destination);
    }
}

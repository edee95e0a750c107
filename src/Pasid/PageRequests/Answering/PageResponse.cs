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
    /// <param name="privateData">Of the request; <see langword="null"/> if it had none.</param>
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

    /// <summary>Gets the private data of the request.</summary>
    /// <value><see langword="null"/> if it had none.</value>
    public UInt128? PrivateData { get; }
}

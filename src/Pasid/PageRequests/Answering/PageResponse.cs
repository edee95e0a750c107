namespace Pasid;

/// <summary>Represents the answer to a group of page requests.</summary>
/// <remarks>Immutable; safe for concurrent use. Models the <c>QI_PGRP_RESP_TYPE</c> descriptor.</remarks>
/// <param name="Device">Who asked.</param>
/// <param name="Pasid">Of the request; <see langword="null"/> if it had none.</param>
/// <param name="GroupIndex">Of the request.</param>
/// <param name="Code">How the last request of the group ended, whatever the others did.</param>
/// <param name="PrivateData">Of the request; <see langword="null"/> if it had none.</param>
public readonly record struct PageResponse(SvmDevice Device, Ioasid? Pasid, int GroupIndex, PageResponseCode Code, UInt128? PrivateData);

namespace Pasid;

/// <summary>Says how a page request was answered. The values are those of PCI Express.</summary>
/// <remarks>Immutable; safe for concurrent use. Models <c>QI_RESP_SUCCESS</c>, <c>QI_RESP_INVALID</c> and <c>QI_RESP_FAILURE</c>.</remarks>
public enum PageResponseCode
{
    /// <summary>The page is there: the device tries again.</summary>
    Success = 0,

    /// <summary>The access is not allowed, or nothing is there: the device gives this access up.</summary>
    InvalidRequest = 1,

    /// <summary>The request makes no sense: the device stops asking for pages.</summary>
    ResponseFailure = 15,
}

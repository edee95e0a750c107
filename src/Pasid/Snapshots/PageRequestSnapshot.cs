namespace Pasid;

/// <summary>Pictures one page request that waits, in a <see cref="PasidSnapshot"/>.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
/// <param name="Device">What <see cref="PasidSnapshotMap.NameDevice"/> called the device.</param>
/// <param name="Pasid">As in the request.</param>
/// <param name="Address">As in the request.</param>
/// <param name="Rights">As in the request.</param>
/// <param name="GroupIndex">As in the request.</param>
/// <param name="IsLastInGroup">As in the request.</param>
/// <param name="PrivateData">As in the request, in decimal digits.</param>
public sealed record PageRequestSnapshot(
    string Device,
    uint? Pasid = null,
    ulong Address = 0,
    PageRequestRights Rights = PageRequestRights.None,
    int GroupIndex = 0,
    bool IsLastInGroup = false,
    string? PrivateData = null);

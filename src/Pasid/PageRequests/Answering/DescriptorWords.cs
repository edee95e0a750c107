namespace Pasid.Internal;

/// <summary>Requests and responses as the words that an IOMMU and its driver see.</summary>
internal static class DescriptorWords
{
    public const int MaxGroupIndex = 511;

    private const int Count = 4;
    private const ulong RequestType = 1;
    private const ulong ResponseType = 9;

    public static void ThrowIfShort(Span<ulong> destination)
    {
        if (destination.Length < Count)
        {
            throw new ArgumentException($"A descriptor has {Count} words of 64 bits, and there is room for {destination.Length}.", nameof(destination));
        }
    }

    public static void Write(in PageRequest request, Span<ulong> destination)
    {
        PageRequestRights rights = request.Rights;
        destination[0] = RequestType
            | Bit(request.Pasid is not null, 8)
            | Bit(request.PrivateData is not null, 9)
            | ((ulong)request.Device.SourceId << 16)
            | ((ulong)(request.Pasid?.Value ?? 0) << 32)
            | Bit((rights & PageRequestRights.Execute) != 0, 52)
            | Bit((rights & PageRequestRights.Privileged) != 0, 53);
        destination[1] = Bit((rights & PageRequestRights.Read) != 0, 0)
            | Bit((rights & PageRequestRights.Write) != 0, 1)
            | Bit(request.IsLastInGroup, 2)
            | ((ulong)request.GroupIndex << 3)
            | request.Address;
        WritePrivateData(request.PrivateData, destination);
    }

    public static void Write(in PageResponse response, Span<ulong> destination)
    {
        destination[0] = ResponseType
            | Bit(response.Pasid is not null, 4)
            | Bit(response.PrivateData is not null, 5)
            | ((ulong)response.Code << 12)
            | ((ulong)response.RequesterId << 16)
            | ((ulong)(response.Pasid?.Value ?? 0) << 32);
        destination[1] = Bit(response.IsLastInGroup, 2) | ((ulong)response.GroupIndex << 3);
        WritePrivateData(response.PrivateData, destination);
    }

    private static void WritePrivateData(UInt128? privateData, Span<ulong> destination)
    {
        destination[2] = (ulong)(privateData ?? 0);
        destination[3] = (ulong)((privateData ?? 0) >> 64);
    }

    private static ulong Bit(bool isSet, int position) => isSet ? 1ul << position : 0;
}

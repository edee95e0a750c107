using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What page request queues write; all gates are left, and no turn is held.</summary>
internal static partial class PageRequestLog
{
    [LoggerMessage(EventIds.PageRequestAnswered, LogLevel.Debug, "Answered a page request of device {Device} with PASID {Pasid} at {Address:X}: {Code}.", EventName = nameof(EventIds.PageRequestAnswered))]
    public static partial void PageRequestAnswered(this ILogger logger, SvmDevice device, Ioasid? pasid, ulong address, PageResponseCode code);

    [LoggerMessage(EventIds.PageRequestOfNobody, LogLevel.Warning, "Device {Device} asked for a page with PASID {Pasid}, which is bound to nothing.", EventName = nameof(EventIds.PageRequestOfNobody))]
    public static partial void PageRequestOfNobody(this ILogger logger, SvmDevice device, Ioasid? pasid);

    [LoggerMessage(EventIds.PageRequestOverflowed, LogLevel.Warning, "A page request of device {Device} found the queue full.", EventName = nameof(EventIds.PageRequestOverflowed))]
    public static partial void PageRequestOverflowed(this ILogger logger, SvmDevice device);

    [LoggerMessage(EventIds.PageRequestRefused, LogLevel.Warning, "Device {Device} asked for a page with PASID {Pasid}, for which it has no entry.", EventName = nameof(EventIds.PageRequestRefused))]
    public static partial void PageRequestRefused(this ILogger logger, SvmDevice device, Ioasid? pasid);

    [LoggerMessage(EventIds.PageRequestThreadDied, LogLevel.Error, "The thread that answers the page requests of the IOMMU {Iommu} died of a PASID that is bound to nothing.", EventName = nameof(EventIds.PageRequestThreadDied))]
    public static partial void PageRequestThreadDied(this ILogger logger, string iommu);
}

using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What the allocator tells its log, once it has left its gates; nothing is formatted where the level is off.</summary>
internal static partial class AllocatorLog
{
    [LoggerMessage(EventIds.Allocated, LogLevel.Debug, "Allocated id {Id} from {Range}.", EventName = nameof(EventIds.Allocated))]
    public static partial void Allocated(this ILogger logger, Ioasid id, IoasidRange range);

    [LoggerMessage(EventIds.Freed, LogLevel.Debug, "Freed id {Id}.", EventName = nameof(EventIds.Freed))]
    public static partial void Freed(this ILogger logger, Ioasid id);

    [LoggerMessage(EventIds.NoFreeId, LogLevel.Warning, "No id of {Range} is free.", EventName = nameof(EventIds.NoFreeId))]
    public static partial void NoFreeId(this ILogger logger, IoasidRange range);

    [LoggerMessage(EventIds.IdNotAllocated, LogLevel.Warning, "{Operation} of id {Id}, which is not allocated.", EventName = nameof(EventIds.IdNotAllocated))]
    public static partial void IdNotAllocated(this ILogger logger, string operation, Ioasid id);

    [LoggerMessage(EventIds.IdStillReferenced, LogLevel.Warning, "Free of id {Id}, which has references that were not dropped.", EventName = nameof(EventIds.IdStillReferenced))]
    public static partial void IdStillReferenced(this ILogger logger, Ioasid id);

    [LoggerMessage(EventIds.CustomAllocatorRegistered, LogLevel.Information, "The custom allocator {Name} was registered.", EventName = nameof(EventIds.CustomAllocatorRegistered))]
    public static partial void CustomAllocatorRegistered(this ILogger logger, string name);

    [LoggerMessage(EventIds.CustomAllocatorRefused, LogLevel.Warning, "The custom allocator {Name} was not registered: {Status}.", EventName = nameof(EventIds.CustomAllocatorRefused))]
    public static partial void CustomAllocatorRefused(this ILogger logger, string name, PasidStatus status);

    [LoggerMessage(EventIds.CustomAllocatorUnregistered, LogLevel.Information, "The custom allocator {Name} was unregistered.", EventName = nameof(EventIds.CustomAllocatorUnregistered))]
    public static partial void CustomAllocatorUnregistered(this ILogger logger, string name);

    [LoggerMessage(EventIds.CustomAllocatorUnknown, LogLevel.Warning, "The custom allocator {Name}, which is not registered, was to be unregistered.", EventName = nameof(EventIds.CustomAllocatorUnknown))]
    public static partial void CustomAllocatorUnknown(this ILogger logger, string name);

    [LoggerMessage(EventIds.IdsOrphaned, LogLevel.Warning, "The custom allocator {Name}, the last of its group, left {LiveCount} live ids behind, which are no longer known.", EventName = nameof(EventIds.IdsOrphaned))]
    public static partial void IdsOrphaned(this ILogger logger, string name, long liveCount);
}

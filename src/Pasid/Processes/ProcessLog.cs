using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>What is written of processes and their instructions, once the gate is left.</summary>
internal static partial class ProcessLog
{
    [LoggerMessage(EventIds.AddressSpaceExited, LogLevel.Debug, "Address space {AddressSpace} exited.", EventName = nameof(EventIds.AddressSpaceExited))]
    public static partial void AddressSpaceExited(this ILogger logger, AddressSpace addressSpace);

    [LoggerMessage(EventIds.AddressSpaceDestroyed, LogLevel.Debug, "Address space {AddressSpace} is destroyed.", EventName = nameof(EventIds.AddressSpaceDestroyed))]
    public static partial void AddressSpaceDestroyed(this ILogger logger, AddressSpace addressSpace);

    [LoggerMessage(EventIds.AddressSpaceForked, LogLevel.Debug, "Address space {AddressSpace} forked {Child}, which has PASID {Pasid}.", EventName = nameof(EventIds.AddressSpaceForked))]
    public static partial void AddressSpaceForked(this ILogger logger, AddressSpace addressSpace, AddressSpace child, Ioasid pasid);

    [LoggerMessage(EventIds.PasidLoaded, LogLevel.Debug, "Loaded PASID {Pasid} into the register of thread {Thread}.", EventName = nameof(EventIds.PasidLoaded))]
    public static partial void PasidLoaded(this ILogger logger, SvmThread thread, Ioasid pasid);

    [LoggerMessage(EventIds.InstructionFaulted, LogLevel.Debug, "An ENQCMD or ENQCMDS of thread {Thread} faulted: {Outcome}.", EventName = nameof(EventIds.InstructionFaulted))]
    public static partial void InstructionFaulted(this ILogger logger, SvmThread thread, EnqcmdOutcome outcome);
}

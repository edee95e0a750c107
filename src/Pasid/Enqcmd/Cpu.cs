using System.Buffers.Binary;

namespace Pasid.Internal;

/// <summary>
/// The processors of a host, as far as ENQCMD and ENQCMDS concern them: the instructions, and the fix-up of their faults
/// (<c>fixup_pasid_exception</c>).
/// </summary>
internal sealed class Cpu(bool hasEnqcmd)
{
    private const int Alignment = 64;
    private const uint PrivilegedBit = 1u << 31;
    private const uint ReservedBits = 0x7FF0_0000;

    /// <summary>Ends of ENQCMD and ENQCMDS by <see cref="EnqcmdOutcome"/>.</summary>
    private readonly long[] _outcomes = new long[(int)EnqcmdOutcome.PageFault + 1];

    /// <summary>Guards what processes change without the host's gate: registers and portals. Entered inside that gate or alone, for a
    /// few instructions; nothing is called inside.</summary>
    public Gate MappingGate = new();

    private long _fixups;

    public bool HasEnqcmd { get; } = hasEnqcmd;

    /// <summary>Gets how many PASIDs were loaded into registers.</summary>
    public long Fixups => Volatile.Read(ref _fixups);

    public long Count(EnqcmdOutcome outcome) => Volatile.Read(ref _outcomes[(int)outcome]);

    public EnqcmdResult Enqcmd<TContext>(TContext context, ulong destination, ReadOnlySpan<byte> source, CpuPrivilege privilege)
        where TContext : struct, IEnqcmdContext
    {
        EnqcmdOutcome outcome = ExecuteEnqcmd(context, destination, source);
        bool isFixedUp = outcome == EnqcmdOutcome.GeneralProtection && privilege == CpuPrivilege.User && TryFixUp(context);
        if (isFixedUp)
        {
            outcome = ExecuteEnqcmd(context, destination, source);
        }

        return new EnqcmdResult(outcome, isFixedUp);
    }

    public EnqcmdResult Enqcmds<TContext>(TContext context, ulong destination, ReadOnlySpan<byte> source, CpuPrivilege privilege)
        where TContext : struct, IEnqcmdContext
    {
        EnqcmdOutcome outcome = ExecuteEnqcmds(context, destination, source, privilege);
        return new EnqcmdResult(outcome, outcome == EnqcmdOutcome.GeneralProtection && privilege == CpuPrivilege.User && TryFixUp(context));
    }

    public void Count(EnqcmdResult result)
    {
        Interlocked.Increment(ref _outcomes[(int)result.Outcome]);
        if (result.WasFixedUp)
        {
            Interlocked.Increment(ref _fixups);
        }
    }

    private EnqcmdOutcome ExecuteEnqcmd<TContext>(TContext context, ulong destination, ReadOnlySpan<byte> source)
        where TContext : struct, IEnqcmdContext
    {
        if (!HasEnqcmd)
        {
            return EnqcmdOutcome.InvalidOpcode;
        }

        if (destination % Alignment != 0 || BinaryPrimitives.ReadUInt32LittleEndian(source) != 0)
        {
            return EnqcmdOutcome.GeneralProtection;
        }

        while (true)
        {
            PasidMsr msr = context.Msr;
            if (!msr.IsValid)
            {
                return EnqcmdOutcome.GeneralProtection;
            }

            PortalMap portals = context.Portals;
            bool isMapped = portals.TryFind(destination, out IEnqcmdPortal? portal);

            // An exec or restore beside this gives the thread another register and other portals: those of one moment only count.
            if (msr == context.Msr && ReferenceEquals(portals, context.Portals))
            {
                return isMapped ? Submit(portal!, new EnqcmdCommand(source, msr.Pasid, isPrivileged: false)) : EnqcmdOutcome.PageFault;
            }
        }
    }

    private EnqcmdOutcome ExecuteEnqcmds<TContext>(TContext context, ulong destination, ReadOnlySpan<byte> source, CpuPrivilege privilege)
        where TContext : struct, IEnqcmdContext
    {
        if (!HasEnqcmd)
        {
            return EnqcmdOutcome.InvalidOpcode;
        }

        uint head = BinaryPrimitives.ReadUInt32LittleEndian(source);
        if (privilege != CpuPrivilege.Supervisor || destination % Alignment != 0 || (head & ReservedBits) != 0)
        {
            return EnqcmdOutcome.GeneralProtection;
        }

        return context.Portals.TryFind(destination, out IEnqcmdPortal? portal)
            ? Submit(portal, new EnqcmdCommand(source, new Ioasid(head & ~PrivilegedBit), (head & PrivilegedBit) != 0))
            : EnqcmdOutcome.PageFault;
    }

    private static EnqcmdOutcome Submit(IEnqcmdPortal portal, in EnqcmdCommand command) =>
        portal.Submit(in command) ? EnqcmdOutcome.Accepted : EnqcmdOutcome.Retry;

    /// <summary>What the kernel does about a #GP of a program: it can only guess that an empty register was the reason.</summary>
    /// <returns><see langword="false"/> if the register is not empty, or the process has no PASID that fits.</returns>
    private bool TryFixUp<TContext>(TContext context)
        where TContext : struct, IEnqcmdContext
    {
        if (context.Msr.IsValid)
        {
            return false;
        }

        MappingGate.Enter();
        Ioasid pasid = context.Pasid;
        bool isLoaded = pasid.Value < IoasidRange.PasidLimit && !context.Msr.IsValid;
        if (isLoaded)
        {
            context.Load(PasidMsr.Of(pasid));
        }

        MappingGate.Leave();
        return isLoaded;
    }
}

/// <summary>What an ENQCMD or ENQCMDS sees of the thread that executes it.</summary>
internal interface IEnqcmdContext
{
    PasidMsr Msr { get; }

    Ioasid Pasid { get; }

    /// <summary>Gets the portals that the process has mapped; another object after an exec.</summary>
    PortalMap Portals { get; }

    void Load(PasidMsr msr);
}

/// <summary>Whose portals a <see cref="PortalMap"/> has.</summary>
internal interface IPortalOwner
{
    /// <summary>Gets a value indicating whether the process has exited, and maps nothing any more.</summary>
    bool HasExited { get; }

    Cpu Cpu { get; }
}

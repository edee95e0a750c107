using System.Buffers.Binary;

namespace Pasid.Internal;

/// <summary>
/// The processors of a host, as far as ENQCMD, ENQCMDS and MOVDIR64B concern them: the instructions, and the fix-up of their faults
/// (<c>fixup_pasid_exception</c>).
/// </summary>
/// <param name="hasEnqcmd">Whether they have ENQCMD and ENQCMDS.</param>
/// <param name="isEnqcmdEnabled">Whether they do, and the kernel loads registers for programs.</param>
/// <param name="addressWidth">How many bits of an address count.</param>
internal sealed class Cpu(bool hasEnqcmd, bool isEnqcmdEnabled, int addressWidth)
{
    private const int Alignment = 64;
    private const uint PrivilegedBit = 1u << 31;
    private const uint ReservedBits = 0x7FF0_0000;

    /// <summary>Ends of ENQCMD and ENQCMDS by <see cref="EnqcmdOutcome"/>.</summary>
    private readonly long[] _outcomes = new long[(int)EnqcmdOutcome.PageFault + 1];

    /// <summary>Guards what processes change without the host's gate: registers, portals, and the users that instructions are. Entered
    /// inside that gate or alone, for a few instructions; nothing is called inside.</summary>
    public Gate MappingGate = new();

    private long _fixups;

    public bool IsEnqcmdEnabled { get; } = isEnqcmdEnabled;

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

    public DirectStoreOutcome Movdir64B<TContext>(TContext context, ulong destination, ReadOnlySpan<byte> source, out bool isFixedUp)
        where TContext : struct, IEnqcmdContext
    {
        isFixedUp = false;
        if (!IsPossible(destination))
        {
            isFixedUp = TryFixUp(context);
            CountFixup(isFixedUp);
            return DirectStoreOutcome.GeneralProtection;
        }

        using Destination found = Find(context, destination);
        if (found.Portal is null)
        {
            return found.IsMemory ? DirectStoreOutcome.Dropped : DirectStoreOutcome.PageFault;
        }

        if (found.Portal is not IDedicatedPortal portal || portal.Pasid is not { IsValid: true } pasid)
        {
            return DirectStoreOutcome.Dropped;
        }

        if (pasid.Value >= IoasidRange.PasidLimit)
        {
            throw new InvalidOperationException($"The portal '{portal.Name}' has PASID {pasid}: program its queue with one below {IoasidRange.PasidLimit}.");
        }

        portal.Write(new EnqcmdCommand(source, pasid, isPrivileged: false));
        return DirectStoreOutcome.Written;
    }

    public void Count(EnqcmdResult result)
    {
        Interlocked.Increment(ref _outcomes[(int)result.Outcome]);
        CountFixup(result.WasFixedUp);
    }

    private void CountFixup(bool isFixedUp)
    {
        if (isFixedUp)
        {
            Interlocked.Increment(ref _fixups);
        }
    }

    private EnqcmdOutcome ExecuteEnqcmd<TContext>(TContext context, ulong destination, ReadOnlySpan<byte> source)
        where TContext : struct, IEnqcmdContext
    {
        if (!hasEnqcmd)
        {
            return EnqcmdOutcome.InvalidOpcode;
        }

        if (!IsPossible(destination) || BinaryPrimitives.ReadUInt32LittleEndian(source) != 0)
        {
            return EnqcmdOutcome.GeneralProtection;
        }

        using Destination found = Find(context, destination);
        return found.Msr.IsValid ? Submit(in found, source, found.Msr.Pasid, isPrivileged: false) : EnqcmdOutcome.GeneralProtection;
    }

    private EnqcmdOutcome ExecuteEnqcmds<TContext>(TContext context, ulong destination, ReadOnlySpan<byte> source, CpuPrivilege privilege)
        where TContext : struct, IEnqcmdContext
    {
        if (!hasEnqcmd)
        {
            return EnqcmdOutcome.InvalidOpcode;
        }

        uint head = BinaryPrimitives.ReadUInt32LittleEndian(source);
        if (privilege != CpuPrivilege.Supervisor || !IsPossible(destination) || (head & ReservedBits) != 0)
        {
            return EnqcmdOutcome.GeneralProtection;
        }

        using Destination found = Find(context, destination);
        return Submit(in found, source, new Ioasid(head & ~PrivilegedBit), (head & PrivilegedBit) != 0);
    }

    /// <summary>Hands a command to what is at its destination: only a portal can take it.</summary>
    private static EnqcmdOutcome Submit(in Destination found, ReadOnlySpan<byte> source, Ioasid pasid, bool isPrivileged)
    {
        if (found.Portal is { } portal)
        {
            return portal.Submit(new EnqcmdCommand(source, pasid, isPrivileged)) ? EnqcmdOutcome.Accepted : EnqcmdOutcome.Retry;
        }

        return found.IsMemory ? EnqcmdOutcome.Retry : EnqcmdOutcome.PageFault;
    }

    /// <summary>Tells whether 64 bytes can be written to an address at all: it is aligned and canonical.</summary>
    private bool IsPossible(ulong destination) =>
        destination % Alignment == 0 && CanonicalAddress.Is(destination, addressWidth);

    /// <summary>Looks up what is at an address, together with the register, so that an exec or restore beside it does not mix those of
    /// two address spaces.</summary>
    private Destination Find<TContext>(TContext context, ulong address)
        where TContext : struct, IEnqcmdContext
    {
        MappingGate.Enter();
        try
        {
            IPortalOwner owner = context.Owner;
            if (!owner.TryBeginInstruction(out int life))
            {
                return new Destination(context.Msr, address, null, life, null);
            }

            owner.Portals.TryFind(address, out IEnqcmdPortal? portal);
            return new Destination(context.Msr, address, owner, life, portal);
        }
        finally
        {
            MappingGate.Leave();
        }
    }

    /// <summary>What the kernel does about a #GP of a program: it can only guess that an empty register was the reason.</summary>
    /// <returns><see langword="false"/> if it loads no registers, this one is not empty, or the process has no PASID that fits.</returns>
    private bool TryFixUp<TContext>(TContext context)
        where TContext : struct, IEnqcmdContext
    {
        if (!IsEnqcmdEnabled || context.Msr.IsValid)
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

    /// <summary>What an instruction finds at its destination. Its process has a user more until the end, so that a device never sees a
    /// command of one that has exited.</summary>
    /// <param name="msr">The register of the thread.</param>
    /// <param name="address">The destination.</param>
    /// <param name="owner">The process; <see langword="null"/> if it has exited, and nothing is there any more.</param>
    /// <param name="life">What <see cref="IPortalOwner.TryBeginInstruction"/> answered.</param>
    /// <param name="portal">The portal; <see langword="null"/> if there is none.</param>
    private readonly ref struct Destination(PasidMsr msr, ulong address, IPortalOwner? owner, int life, IEnqcmdPortal? portal)
    {
        public PasidMsr Msr { get; } = msr;

        public IEnqcmdPortal? Portal { get; } = portal;

        /// <summary>Gets a value indicating whether there is memory that the process may write to; brings it in.</summary>
        public bool IsMemory => owner?.TryWrite(address) ?? false;

        public void Dispose() => owner?.EndInstruction(life);
    }
}

/// <summary>What an instruction sees of the thread that executes it.</summary>
internal interface IEnqcmdContext
{
    PasidMsr Msr { get; }

    Ioasid Pasid { get; }

    /// <summary>Gets the process; another one after an exec.</summary>
    IPortalOwner Owner { get; }

    void Load(PasidMsr msr);
}

/// <summary>Whose portals a <see cref="PortalMap"/> has.</summary>
internal interface IPortalOwner
{
    /// <summary>Gets a value indicating whether the process has exited, and maps nothing any more.</summary>
    bool HasExited { get; }

    PortalMap Portals { get; }

    Cpu Cpu { get; }

    /// <summary>Adds a user for the time of an instruction, unless the process has exited; the gate for mappings is entered.</summary>
    /// <param name="life">What to give to <see cref="EndInstruction"/>.</param>
    bool TryBeginInstruction(out int life);

    /// <summary>Takes that user away, which may be the last; no gate is held.</summary>
    void EndInstruction(int life);

    /// <summary>Has the page of a write brought in that a CPU has not found.</summary>
    /// <returns><see langword="false"/> if there is none that may be written to.</returns>
    bool TryWrite(ulong address);
}

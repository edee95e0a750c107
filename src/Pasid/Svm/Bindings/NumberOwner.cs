using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// Who owns the number of a binding, as the profile's lifetime says: the binding itself, which takes a new one and frees it at its end,
/// or the address space, which takes it at its first bind, lends it to its shared binding, and frees it when it is destroyed. Guarded
/// by the gate of the host.
/// </summary>
internal sealed class NumberOwner(PasidSource source, Steps steps, HostGate gate, KernelProfile profile, uint pasidLimit, bool isEnqcmdEnabled)
{
    private readonly bool _isAddressSpace = profile.Lifetime == PasidLifetime.AddressSpace;

    public LeakedPasids? Leaked { get; set; }

    /// <summary>Gets a value indicating whether the PASIDs of destroyed address spaces are not freed.</summary>
    private bool LosesPasids => profile.Has(KernelQuirks.FreeNeedsEnqcmd) && !isEnqcmdEnabled && !gate.IsDisposed;

    /// <summary>Takes a number for a binding: the one that its address space owns, if there is one, or a new one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PasidStatus Take(in Operation operation, SvmRecord record, uint width, Ioasid remembered)
    {
        gate.AssertInside();
        if (remembered.IsValid)
        {
            return Borrow(in operation, record, remembered);
        }

        // The kernel subtracts one from an unsigned limit; PASID 0 stands for requests without a PASID.
        uint limit = Math.Min(width, pasidLimit);
        uint maximum = limit == 0 && !profile.Has(KernelQuirks.ZeroLimitWraps) ? 0 : unchecked(limit - 1);
        return source.Allocate(in operation, new IoasidRange(1, maximum), record);
    }

    /// <summary>Gives the number of a binding to its owner; the bind has succeeded.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Keep(SvmRecord record)
    {
        if (_isAddressSpace && record.IsShared && record.AddressSpace is { } addressSpace)
        {
            addressSpace.Pasid = record.Pasid;
        }
    }

    /// <summary>Undoes <see cref="Take"/>; the bind has failed.</summary>
    public void Undo(in Operation operation, SvmRecord record, Ioasid remembered)
    {
        if (!record.Pasid.IsValid)
        {
            return;
        }

        if (!remembered.IsValid)
        {
            source.Free(in operation, record.Pasid, record);
        }
        else if (!profile.Has(KernelQuirks.FailedRebindLeavesData))
        {
            source.Detach(in operation, record);
        }
    }

    /// <summary>Parts a binding without devices from its number. The kernel does so before it unregisters the notifier.</summary>
    public void Release(in Operation operation, SvmRecord record)
    {
        gate.AssertInside();
        if (_isAddressSpace && record.IsShared && record.AddressSpace is { } addressSpace)
        {
            addressSpace.Spare = record;
            if (addressSpace.HasExited && ReferenceEquals(addressSpace.NewestNotifier, record) && record.Older is null && addressSpace.ExtraPins == 0 && !LosesPasids)
            {
                // The address space is destroyed next, and the PASID freed. A lookup beside must not find it allocated
                // without data meanwhile, which it neither was before this unbind nor is after it.
                steps.Observe(in operation, SvmEventKind.DataCleared, record.Pasid);
                return;
            }

            source.Detach(in operation, record);
        }
        else if (_isAddressSpace && profile.Has(KernelQuirks.PrivateAndSupervisorPasidsLeak) && !gate.IsDisposed)
        {
            source.Detach(in operation, record);
            Leak(in operation, record.Pasid);
        }
        else
        {
            source.Free(in operation, record.Pasid, record);
        }
    }

    /// <summary>Releases the number that an address space owns, which is destroyed.</summary>
    public void Release(in Operation operation, AddressSpace addressSpace)
    {
        Ioasid pasid = addressSpace.Pasid;
        if (!pasid.IsValid)
        {
            return;
        }

        addressSpace.Pasid = Ioasid.Invalid;
        if (LosesPasids)
        {
            Leak(in operation, pasid);
        }
        else
        {
            source.Free(in operation, pasid, addressSpace.SpareRecord);
        }
    }

    /// <summary>Frees, for the end of the binder, what quirks have lost.</summary>
    public void FreeLeaked(in Operation operation)
    {
        foreach (Ioasid pasid in Leaked?.InOrder ?? [])
        {
            source.Free(in operation, pasid, record: null);
        }

        Leaked = null;
        source.Leave();
    }

    private PasidStatus Borrow(in Operation operation, SvmRecord record, Ioasid remembered)
    {
        // While the bind is under way a lookup finds what it found before: a PASID without data.
        record.Release(PasidStatus.InvalidArgument);

        // A record that is used again still has its number; it must not seem to have one if this fails.
        record.Pasid = Ioasid.Invalid;

        // Under ForkCopiesPasid the number may have been freed by the other address space; the kernel does not notice.
        PasidStatus status = source.Attach(remembered, record);
        if (status != PasidStatus.Success && !(status == PasidStatus.NotFound && profile.Has(KernelQuirks.ForkCopiesPasid)))
        {
            return status;
        }

        record.Pasid = remembered;
        source.Hold(remembered, record);
        steps.Observe(in operation, SvmEventKind.DataSet, remembered);
        return PasidStatus.Success;
    }

    private void Leak(in Operation operation, Ioasid pasid)
    {
        if ((Leaked ??= new LeakedPasids()).Add(pasid))
        {
            operation.Note((profile.Name, pasid), static (logger, leak) => logger.PasidLeaked(leak.Name, leak.pasid));
        }
    }
}

namespace Pasid;

/// <summary>Pictures what a binder has done so far, and what it holds.</summary>
/// <remarks>Immutable; safe for concurrent use. The counts are of one moment, except those of failures, which may be a call behind.</remarks>
public sealed class SvmStatistics
{
    internal SvmStatistics(IReadOnlyDictionary<PasidStatus, long> failures) => Failures = failures;

    /// <summary>Gets how many PASIDs the host has.</summary>
    /// <value>0 to 1048575; PASID 0 is not one of them.</value>
    public int Capacity { get; internal init; }

    /// <summary>Gets how many bindings there are: PASIDs with an address space behind them.</summary>
    /// <value>Not negative.</value>
    public int Bindings { get; internal init; }

    /// <summary>Gets how many address spaces have a PASID or a binding.</summary>
    /// <value>Not negative; those that were never bound, or are destroyed, do not count.</value>
    public int AddressSpaces { get; internal init; }

    /// <summary>Gets how many PASIDs a quirk kept from being freed.</summary>
    /// <value>The length of <see cref="ISvmBinder.GetLeakedPasids"/>.</value>
    public int LeakedPasids { get; internal init; }

    /// <summary>Gets how many binds succeeded, repeated ones included.</summary>
    /// <value>Counted from the making of the binder.</value>
    public long Binds { get; internal init; }

    /// <summary>Gets how many binds were undone, by number, by handle or by disposal of the binder.</summary>
    /// <value>Counted from the making of the binder.</value>
    public long Unbinds { get; internal init; }

    /// <summary>Gets how many calls failed, by status.</summary>
    /// <value>Only statuses that occurred, as they truly were: a failure that a quirk reports as a success is counted. Look-ups
    /// are not counted: they write nothing.</value>
    public IReadOnlyDictionary<PasidStatus, long> Failures { get; }

    /// <summary>Gets how many calls failed with a status that <see cref="PasidStatus"/> does not define, because an IOMMU
    /// or a fault injector answered it.</summary>
    /// <value>Not negative.</value>
    public long OtherFailures { get; internal init; }

    /// <summary>Gets how many commands of ENQCMD and ENQCMDS devices took.</summary>
    /// <value>Counted from the making of the binder.</value>
    public long Commands { get; internal init; }

    /// <summary>Gets how many commands devices did not take.</summary>
    /// <value>Counted from the making of the binder.</value>
    public long Retries { get; internal init; }

    /// <summary>Gets how many ENQCMD and ENQCMDS ended with a fault, those that were fixed up not included.</summary>
    /// <value>Counted from the making of the binder.</value>
    public long InstructionFaults { get; internal init; }

    /// <summary>Gets how often a PASID was loaded into the register of a thread.</summary>
    /// <value>Counted from the making of the binder.</value>
    public long Fixups { get; internal init; }

    /// <summary>Gets how many page requests the queues over the binder have handled.</summary>
    /// <value>Counted from the making of the binder; queues that are disposed are included.</value>
    public long PageRequests { get; internal init; }

    /// <summary>Gets how many page requests found their queue full.</summary>
    /// <value>Counted from the making of the binder; queues that are disposed are included.</value>
    public long PageRequestOverflows { get; internal init; }

    /// <summary>Gets how many responses page requests got.</summary>
    /// <value>Counted from the making of the binder; queues that are disposed are included.</value>
    public long PageResponses { get; internal init; }
}

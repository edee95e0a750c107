using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// All bindings of a host: those of processes hang on their address spaces, those of the supervisor here. Guarded by the gate of the
/// host.
/// </summary>
internal sealed partial class BindingTable(ProcessTable processes)
{
    private int _count;

    /// <summary>How many bindings there have been; the order of the kernel's list of bindings (<c>global_svm_list</c>), which
    /// is not kept as such.</summary>
    private long _lastNumber;

    private Notifier? _newestOfSupervisor;

    public int Count => _count;

    public SvmRecord? NewestOfSupervisor => (SvmRecord?)_newestOfSupervisor;

    /// <summary>Gets the binding that all supervisor binds share which do not ask for a private PASID.</summary>
    public SvmRecord? SharedOfSupervisor { get; private set; }

    /// <summary>Finds the binding that a bind joins which does not ask for a private PASID.</summary>
    /// <param name="addressSpace">The address space; <see langword="null"/> for the supervisor's own.</param>
    public SvmRecord? FindShared(AddressSpace? addressSpace) => addressSpace is null ? SharedOfSupervisor : addressSpace.SharedRecord;

    /// <summary>Puts a binding that is complete where binds and pictures look for it; one of a process has registered already.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(SvmRecord record)
    {
        _count++;
        record.Number = ++_lastNumber;
        if (record.AddressSpace is not { } addressSpace)
        {
            NotifierList.Add(ref _newestOfSupervisor, record);
            SharedOfSupervisor = record.IsShared ? record : SharedOfSupervisor;
            return;
        }

        if (record.IsShared)
        {
            addressSpace.Shared = record;
        }
    }

    /// <summary>Takes a binding from where <see cref="Add"/> put it; it may still be registered with its address space.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(SvmRecord record)
    {
        _count--;
        if (record.AddressSpace is not { } addressSpace)
        {
            NotifierList.Remove(ref _newestOfSupervisor, record);
            if (ReferenceEquals(SharedOfSupervisor, record))
            {
                SharedOfSupervisor = null;
            }
        }
        else if (ReferenceEquals(addressSpace.Shared, record))
        {
            addressSpace.Shared = null;
        }
    }

    /// <summary>Collects all bindings, oldest first.</summary>
    public List<SvmRecord> Collect()
    {
        var records = new List<SvmRecord>(_count);
        Collect(_newestOfSupervisor, records);
        for (AddressSpace? kept = processes.NewestKept; kept is not null; kept = kept.KeptBefore)
        {
            Collect(kept.NewestNotifier, records);
        }

        records.Sort((left, right) => left.Number.CompareTo(right.Number));
        return records;
    }

    /// <summary>Forgets all bindings; those of processes are taken from their address spaces by the caller.</summary>
    public void Clear()
    {
        Release(_newestOfSupervisor);
        _newestOfSupervisor = null;
        SharedOfSupervisor = null;
        _count = 0;
    }

    /// <summary>Has lookups that came to one of the bindings of a list by the ids of before look again.</summary>
    public static void Release(Notifier? newest)
    {
        for (Notifier? record = newest; record is not null; record = record.Older)
        {
            ((SvmRecord)record).Release(PasidStatus.InvalidArgument);
        }
    }

    private static void Collect(Notifier? newest, List<SvmRecord> records)
    {
        for (Notifier? record = newest; record is not null; record = record.Older)
        {
            records.Add((SvmRecord)record);
        }
    }
}

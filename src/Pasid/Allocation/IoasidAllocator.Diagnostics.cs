using Pasid.Internal;

namespace Pasid;

/// <content>What is counted, and what is logged once the gates are left.</content>
public sealed partial class IoasidAllocator
{
    /// <summary>Gets what the allocator has done so far.</summary>
    /// <returns>A picture that no later call changes.</returns>
    /// <remarks>Takes no lock.</remarks>
    public IoasidStatistics GetStatistics() => _active.GetStatistics();

    /// <summary>Walks the active table, which stands still meanwhile, and finds what does not agree.</summary>
    internal List<TableDamage> FindDamage()
    {
        IoasidTable table = _active.Enter();
        try
        {
            return new TableCheck(table).Run();
        }
        finally
        {
            ActiveTable.Leave(table);
        }
    }

    private PasidStatus LogIfNotAllocated(PasidStatus status, string operation, Ioasid id)
    {
        if (status == PasidStatus.NotFound)
        {
            Logger?.IdNotAllocated(operation, id);
        }

        return status;
    }

    private PasidStatus CountFailure(PasidStatus status)
    {
        _active.EnsureAnnex().Failures.Count(status);
        return status;
    }
}

using Pasid.Internal;

namespace Pasid;

public sealed partial class IoasidAllocator
{
    /// <inheritdoc/>
    public PasidStatus Register(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        IoasidTable active = Volatile.Read(ref _active.Table) ?? _active.MakeDefault();
        CustomRegistry.ThrowIfInsideFunction(active);

        // Without a registry the active table is the default one.
        CustomRegistry registry = _active.EnsureAnnex().EnsureRegistry(active);
        PasidStatus status = registry.Register(ref _active, customAllocator);
        if (status == PasidStatus.Success)
        {
            Logger?.CustomAllocatorRegistered(customAllocator.Name);
            return status;
        }

        CountFailure(status);
        Logger?.CustomAllocatorRefused(customAllocator.Name, status);
        return status;
    }

    /// <inheritdoc/>
    public PasidStatus Unregister(CustomIoasidAllocator customAllocator)
    {
        ArgumentNullException.ThrowIfNull(customAllocator);
        PasidStatus status = PasidStatus.NotFound;
        long orphans = 0;
        if (Volatile.Read(ref _active.Annex)?.Registry is { } registry)
        {
            CustomRegistry.ThrowIfInsideFunction(Volatile.Read(ref _active.Table)!);
            status = registry.Unregister(ref _active, customAllocator, out orphans);
        }

        if (status != PasidStatus.Success)
        {
            CountFailure(status);
            Logger?.CustomAllocatorUnknown(customAllocator.Name);
            return status;
        }

        Logger?.CustomAllocatorUnregistered(customAllocator.Name);
        if (orphans != 0)
        {
            Logger?.IdsOrphaned(customAllocator.Name, orphans);
        }

        return status;
    }
}

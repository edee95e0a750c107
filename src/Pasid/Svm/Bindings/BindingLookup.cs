using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>Lookups of bindings by their PASID. They take no lock, and wait for nobody but a restore that they come upon.</summary>
internal sealed class BindingLookup(BindingEngine engine, PasidSource source, HostGate gate) : IRequestTargets
{
    private volatile bool _isRestoring;

    /// <summary>Gets or sets a value indicating whether a restore is changing everything: lookups see the bindings of before until they are
    /// released, and those of afterwards once all is there; who comes upon one in between waits for the end.</summary>
    public bool IsRestoring
    {
        get => _isRestoring;
        set => _isRestoring = value;
    }

    /// <summary>Finds the binding of a PASID, without the gate.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public PasidStatus Find(Ioasid pasid, out SvmRecord? record)
    {
        SvmRecord? before = null;
        while (true)
        {
            record = null;
            PasidStatus status = source.Lookup(pasid, out SvmRecord? found);
            if (status != PasidStatus.Success)
            {
                return status;
            }

            if (found is null || !ReferenceEquals(found.Engine, engine))
            {
                return PasidStatus.InvalidArgument;
            }

            status = found.Status;
            if (status == PasidStatus.Success)
            {
                source.CheckFound(found, pasid);
                record = found;
                return status;
            }

            if (_isRestoring)
            {
                gate.WaitForOperation();
                continue;
            }

            // A binding that is not there yet or no more. If the PASID still leads to it, its status is that of the PASID; else the
            // status is of a later moment than the way to it.
            if (ReferenceEquals(found, before))
            {
                return status;
            }

            before = found;
        }
    }

    /// <summary>Finds the binding of a PASID for a device, which need not be bound to it.</summary>
    public PasidStatus Find(SvmDevice device, Ioasid pasid, out SvmRecord? record)
    {
        if (device.Iommu is null)
        {
            record = null;
            return PasidStatus.InvalidArgument;
        }

        record = engine.FindSimply(pasid);
        return record is null ? Find(pasid, out record) : PasidStatus.Success;
    }

    public PasidStatus IsValid(SvmDevice device, Ioasid pasid, out bool isValid)
    {
        while (true)
        {
            PasidStatus status = Find(device, pasid, out SvmRecord? record);
            if (status != PasidStatus.Success)
            {
                isValid = false;
                return status;
            }

            // Bound, and whether its process has exited, are of one moment only if it is still bound afterwards: nothing is bound
            // anew once its process has exited.
            isValid = record!.AddressSpace is not { HasExited: true };
            if (record.IsPublishedIn(engine))
            {
                return status;
            }
        }
    }

    public bool HasEntry(SvmDevice device, Ioasid pasid) =>
        device.HasPri && Find(device, pasid, out SvmRecord? record) == PasidStatus.Success && record!.HasEntry(device);

    IRequestTarget? IRequestTargets.Find(Ioasid pasid, out bool isUnknown)
    {
        isUnknown = Find(pasid, out SvmRecord? record) == PasidStatus.NotFound;
        return record;
    }
}

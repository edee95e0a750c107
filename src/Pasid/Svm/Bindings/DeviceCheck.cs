namespace Pasid.Internal;

/// <summary>What a bind asks of a device before anything else.</summary>
internal readonly struct DeviceCheck(bool isDmarDisabled)
{
    /// <summary>What the kernel asks before it takes the lock; answers the number of PASIDs that the device can tell apart.</summary>
    public PasidStatus Check(SvmDevice device, SvmBindFlags flags, out uint width)
    {
        width = 0;
        if (device.Iommu is not { } iommu || isDmarDisabled)
        {
            return PasidStatus.InvalidArgument;
        }

        if (!iommu.IsSvmCapable)
        {
            return PasidStatus.NotSupported;
        }

        if (device.IsPci && device.MaxPasids < 0)
        {
            return PasidStatus.InvalidArgument;
        }

        width = (uint)(device.IsPci ? device.MaxPasids : IoasidRange.PasidLimit);
        return (flags & SvmBindFlags.Supervisor) != 0 && !iommu.SupportsSupervisor
            ? PasidStatus.InvalidArgument
            : PasidStatus.Success;
    }

    public BindFailureKind FindFailure(SvmDevice device, PasidStatus status) =>
        status == PasidStatus.NotSupported ? BindFailureKind.NotSvmCapable
        : device.Iommu is null ? BindFailureKind.NoIommu
        : isDmarDisabled ? BindFailureKind.DmarDisabled
        : device.IsPci && device.MaxPasids < 0 ? BindFailureKind.WidthUnknown
        : BindFailureKind.NoSupervisorSupport;
}

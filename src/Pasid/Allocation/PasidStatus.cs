namespace Pasid;

/// <summary>
/// Says how an operation ended. The values are what the kernel returns: 0, or a negative errno.
/// </summary>
/// <remarks>
/// <para>What a guest, a device or a full id space does is told by a status; what the host program does wrong
/// (a <see langword="null"/> argument, a call from inside a callback, use after disposal) is an exception.</para>
/// <para>An operation that answers anything but <see cref="Success"/> has changed nothing.</para>
/// <para>Immutable; safe for concurrent use.</para>
/// </remarks>
public enum PasidStatus
{
    /// <summary>The operation was carried out. Kernel value 0.</summary>
    Success = 0,

    /// <summary>The portal was opened by another process. Kernel value -1, <c>EPERM</c>.</summary>
    NotPermitted = -1,

    /// <summary>The id is not allocated. Kernel value -2, <c>ENOENT</c>.</summary>
    NotFound = -2,

    /// <summary>Not possible while the default allocator has live ids. Kernel value -11, <c>EAGAIN</c>.</summary>
    TryAgain = -11,

    /// <summary>A record could not be allocated. Kernel value -12, <c>ENOMEM</c>.</summary>
    OutOfMemory = -12,

    /// <summary>The id belongs to another <see cref="IoasidSet"/>. Kernel value -13, <c>EACCES</c>.</summary>
    AccessDenied = -13,

    /// <summary>In use in a way that excludes this use. Kernel value -16, <c>EBUSY</c>.</summary>
    Busy = -16,

    /// <summary>Already there. Kernel value -17, <c>EEXIST</c>.</summary>
    AlreadyExists = -17,

    /// <summary>The device, PASID or address space cannot take part in this operation. Kernel value -22, <c>EINVAL</c>.</summary>
    InvalidArgument = -22,

    /// <summary>No free id in the range, or the PASID is too wide for the device. Kernel value -28, <c>ENOSPC</c>.</summary>
    NoSpace = -28,

    /// <summary>A number does not fit. Kernel value -75, <c>EOVERFLOW</c>.</summary>
    Overflow = -75,

    /// <summary>The device does not support PASIDs. Kernel value -95, <c>EOPNOTSUPP</c>.</summary>
    OperationNotSupported = -95,

    /// <summary>The IOMMU is not capable of SVM. Kernel value -524, <c>ENOTSUPP</c>.</summary>
    NotSupported = -524,
}

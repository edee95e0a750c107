namespace Pasid.Internal;

/// <summary>How a bind ended.</summary>
/// <param name="Status">The truth.</param>
/// <param name="Reported">What is answered: a quirk may make a failure look like a success.</param>
/// <param name="Pasid">The PASID, read inside the gate: records are used again.</param>
/// <param name="Record">The binding, if there is one.</param>
/// <param name="DeviceRecord">The device in it.</param>
/// <param name="Failure">Why there is none.</param>
internal readonly record struct BindResult(PasidStatus Status, PasidStatus Reported, Ioasid Pasid, SvmRecord? Record, SvmDeviceRecord? DeviceRecord, BindFailure Failure)
{
    public static BindResult Bound(SvmRecord record, SvmDeviceRecord deviceRecord) =>
        new(PasidStatus.Success, PasidStatus.Success, record.Pasid, record, deviceRecord, default);

    public static BindResult Failed(PasidStatus status, BindFailure failure, bool reportsSuccess = false) =>
        new(status, reportsSuccess ? PasidStatus.Success : status, Ioasid.Invalid, Record: null, DeviceRecord: null, failure);
}

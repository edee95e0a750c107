using Pasid.Internal;

namespace Pasid;

/// <content>Pictures of the state, for users who compare, print or debug.</content>
public sealed partial class SvmBinder
{
    /// <inheritdoc/>
    public IReadOnlyList<SvmBindingInfo> GetBindings()
    {
        ThrowIfInsideCallback();
        _gate.EnterAsOwner();
        try
        {
            var bindings = new List<SvmBindingInfo>(_bindingCount);
            for (SvmRecord? record = _oldest; record is not null; record = record.Newer)
            {
                List<SvmDeviceInfo> devices = [];
                for (SvmDeviceRecord? deviceRecord = record.NewestDevice; deviceRecord is not null; deviceRecord = deviceRecord.Older)
                {
                    devices.Add(new SvmDeviceInfo(deviceRecord.Device, deviceRecord.Users, deviceRecord.Callbacks));
                }

                bindings.Add(new SvmBindingInfo(record.Pasid, record.AddressSpace, record.Flags, devices.AsReadOnly()));
            }

            return bindings.AsReadOnly();
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<Ioasid> GetLeakedPasids()
    {
        ThrowIfInsideCallback();
        _gate.EnterAsOwner();
        try
        {
            return _leakedPasids is null ? [] : _leakedPasids.ToArray();
        }
        finally
        {
            _gate.Exit();
        }
    }
}

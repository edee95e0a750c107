namespace Pasid.Internal;

/// <summary>The device records that were unbound last, to be used again. Guarded by the binder's gate.</summary>
internal struct SpareDeviceRecords
{
    /// <summary>How many are kept: enough for binds and unbinds in turn, too few to be a burden.</summary>
    private const int Limit = 64;

    private SvmDeviceRecord? _next;
    private int _count;

    public SvmDeviceRecord Take(SvmDevice device, ISvmDeviceCallbacks? callbacks)
    {
        SvmDeviceRecord record;
        if (_next is null)
        {
            record = new SvmDeviceRecord();
        }
        else
        {
            record = _next;
            _next = record.Older;
            _count--;
            record.Older = null;
        }

        // Mostly the same device again, and no callbacks: to ask is cheaper than to tell the collector of a store.
        if (!ReferenceEquals(record.Device, device))
        {
            record.Device = device;
        }

        if (callbacks is not null)
        {
            record.Callbacks = callbacks;
        }

        record.Users = 1;
        return record;
    }

    /// <summary>Keeps a record that no binding has any more, unless a handle still names it.</summary>
    public void Keep(SvmDeviceRecord record)
    {
        if (record.HasHandle || _count == Limit)
        {
            return;
        }

        record.Callbacks = null;
        record.Older = _next;
        _next = record;
        _count++;
    }
}

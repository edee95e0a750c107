using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>Owns one bind of a device: <see cref="Dispose"/> undoes it.</summary>
/// <remarks>All members are safe for concurrent use. Models what <c>struct iommu_sva</c> is to a driver.</remarks>
[DebuggerDisplay("{Device} PASID {Pasid}")]
public sealed class SvmBinding : IDisposable
{
    private readonly SvmRecord _record;
    private readonly SvmDeviceRecord _deviceRecord;
    private int _isDisposed;

    internal SvmBinding(SvmRecord record, SvmDeviceRecord deviceRecord, Ioasid pasid)
    {
        _record = record;
        _deviceRecord = deviceRecord;
        Pasid = pasid;
    }

    /// <summary>Gets the device that was bound.</summary>
    /// <value>Never <see langword="null"/>.</value>
    public SvmDevice Device => _deviceRecord.Device;

    /// <summary>Gets the address space that was bound.</summary>
    /// <value><see langword="null"/> for the supervisor's own.</value>
    public AddressSpace? AddressSpace => _record.AddressSpace;

    /// <summary>Gets the PASID that the device has to use.</summary>
    /// <value>Always valid; it does not change with disposal.</value>
    public Ioasid Pasid { get; }

    /// <summary>Gets what kind of PASID the binding has.</summary>
    /// <value>The flags of the bind that made the binding.</value>
    public SvmBindFlags Flags => _record.Flags;

    /// <summary>Undoes the bind.</summary>
    /// <remarks>
    /// A second call does nothing, and so does one after the device was unbound by number as often as it was bound, or
    /// after the binder was disposed: what was bound since is not touched. Models <c>intel_svm_unbind_mm</c>.
    /// </remarks>
    /// <exception cref="InvalidOperationException">Called from inside a callback of the binder; the call can be repeated.</exception>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        bool isOver = false;
        try
        {
            _record.Engine.Unbind(_record, _deviceRecord, ref isOver);
        }
        finally
        {
            // Still bound if the unbind did not happen: the owner may try again. Once it has happened, whatever was thrown, a repeated
            // call would undo a bind of somebody else.
            if (!isOver)
            {
                Volatile.Write(ref _isDisposed, 0);
            }
        }
    }
}

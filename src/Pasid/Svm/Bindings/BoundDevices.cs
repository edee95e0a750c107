using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Pasid.Internal;

/// <summary>
/// The devices of a binding, the one bound last first. Changed inside the gate of the host; page requests look without it. A few devices
/// are a list through their own links; from more on an index finds one of them.
/// </summary>
/// <remarks>Each change is one write, so that who looks without the gate finds what was before or after it. But records that were removed
/// are used again, and may lead it to where it did not want to go: it then finds that <see cref="_removals"/> is not what it was, and
/// looks again.</remarks>
internal struct BoundDevices
{
    /// <summary>From how many devices on an index is kept.</summary>
    private const int Many = 8;

    private volatile SvmDeviceRecord? _newest;

    /// <summary>Where each device is, once there have been many; <see langword="null"/> before.</summary>
    private volatile ConcurrentDictionary<SvmDevice, SvmDeviceRecord>? _index;

    /// <summary>How many records were removed; counted before one is used for anything else.</summary>
    private volatile int _removals;

    public readonly SvmDeviceRecord? Newest => _newest;

    /// <summary>Finds a device; inside the gate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly SvmDeviceRecord? Find(SvmDevice device)
    {
        SvmDeviceRecord? newest = _newest;
        return newest is null || ReferenceEquals(newest.Device, device) ? newest : FindFurther(device);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(SvmDeviceRecord record)
    {
        SvmDeviceRecord? before = _newest;
        record.Older = before;
        _newest = record;
        if (before is not null)
        {
            Index(record);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Remove(SvmDeviceRecord record)
    {
        if (_index is null && ReferenceEquals(_newest, record))
        {
            _newest = record.Older;
        }
        else
        {
            RemoveFurther(record);
        }

        _removals++;
    }

    /// <summary>Looks for a device without the gate.</summary>
    /// <param name="device">The device.</param>
    /// <param name="callbacks">The callbacks that it was bound with.</param>
    /// <param name="isDraining">Whether its unbind has begun.</param>
    /// <returns><see langword="false"/> if it is not bound.</returns>
    public readonly bool TryRead(SvmDevice device, out ISvmDeviceCallbacks? callbacks, out bool isDraining)
    {
        while (true)
        {
            int seen = _removals;
            SvmDeviceRecord? record = _index is { } index ? index.GetValueOrDefault(device) : Walk(static (bound, wanted) => ReferenceEquals(bound, wanted), device);
            callbacks = record?.Callbacks;
            isDraining = record is { IsDraining: true };
            if (seen == _removals)
            {
                return record is not null;
            }
        }
    }

    /// <summary>Looks without the gate, as the kernel does, for the device bound last whose requests carry a source id. O(devices).</summary>
    /// <inheritdoc cref="TryRead(SvmDevice, out ISvmDeviceCallbacks?, out bool)"/>
    public readonly bool TryRead(ushort sourceId, out ISvmDeviceCallbacks? callbacks, out bool isDraining)
    {
        while (true)
        {
            int seen = _removals;
            SvmDeviceRecord? record = Walk(static (bound, wanted) => bound.SourceId == wanted, sourceId);
            callbacks = record?.Callbacks;
            isDraining = record is { IsDraining: true };
            if (seen == _removals)
            {
                return record is not null;
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private readonly SvmDeviceRecord? FindFurther(SvmDevice device)
    {
        if (_index is { } index)
        {
            return index.GetValueOrDefault(device);
        }

        SvmDeviceRecord? record = _newest;
        while (record is not null && !ReferenceEquals(record.Device, device))
        {
            record = record.Older;
        }

        return record;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Index(SvmDeviceRecord record)
    {
        if (_index is { } index)
        {
            index.TryAdd(record.Device, record);
        }
        else if (HasMany(record))
        {
            MakeIndex();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RemoveFurther(SvmDeviceRecord record)
    {
        _index?.TryRemove(record.Device, out _);
        if (!ReferenceEquals(_newest, record))
        {
            SvmDeviceRecord newer = _newest!;
            while (!ReferenceEquals(newer.Older, record))
            {
                newer = newer.Older!;
            }

            newer.Older = record.Older;
            return;
        }

        _newest = record.Older;
        if (_newest is null)
        {
            _index = null;
        }
    }

    private static bool HasMany(SvmDeviceRecord newest)
    {
        SvmDeviceRecord? record = newest;
        for (int i = 0; i < Many && record is not null; i++)
        {
            record = record.Older;
        }

        return record is not null;
    }

    private void MakeIndex()
    {
        var index = new ConcurrentDictionary<SvmDevice, SvmDeviceRecord>(concurrencyLevel: 1, capacity: 4 * Many);
        for (SvmDeviceRecord? record = _newest; record is not null; record = record.Older)
        {
            index.TryAdd(record.Device, record);
        }

        _index = index;
    }

    /// <summary>Walks along the links without the gate, as long as no record is removed: those of one that is can lead in a circle.</summary>
    private readonly SvmDeviceRecord? Walk<T>(Func<SvmDevice, T, bool> isWanted, T wanted)
    {
        int seen = _removals;
        SvmDeviceRecord? record = _newest;
        while (record is not null && !isWanted(record.Device, wanted) && _removals == seen)
        {
            record = record.Older;
        }

        return record;
    }
}

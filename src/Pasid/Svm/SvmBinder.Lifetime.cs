using Microsoft.Extensions.Logging;
using Pasid.Internal;

namespace Pasid;

/// <content>The life of an address space: fork, exec, exit and destruction; and the end of the binder.</content>
public sealed partial class SvmBinder
{
    /// <summary>Gets a value indicating whether the binder is disposed; read without the gate by those who only report.</summary>
    internal bool IsDisposed => Volatile.Read(ref _isDisposed);

    /// <inheritdoc/>
    public AddressSpace CreateAddressSpace(string name)
    {
        Names.Check(name, nameof(name));

        // Nothing to guard: this refuses a disposed binder, and a call from inside a callback.
        Enter();
        Exit(nameof(CreateAddressSpace));
        return new AddressSpace(this, name);
    }

    /// <summary>
    /// Unbinds everything and frees every PASID that the binder holds, those that a quirk lost included. The allocator is
    /// not disposed.
    /// </summary>
    /// <remarks>
    /// Each entry is torn down and flushed, and the observer is told; what callbacks throw is passed on at the end. Look-ups
    /// beside it find some PASIDs still bound and others no more. A second call does nothing. Afterwards handles and address
    /// spaces can be disposed, without effect; look-ups find nothing bound; page requests that wait are nobody's; other members
    /// throw <see cref="ObjectDisposedException"/>. O(bindings).
    /// </remarks>
    /// <exception cref="InvalidOperationException">Called from inside a callback.</exception>
    public void Dispose()
    {
        EnterGate();
        bool isFirst = !_isDisposed;
        try
        {
            if (isFirst)
            {
                DisposeUnsynchronized();
            }
        }
        finally
        {
            try
            {
                Exit(nameof(Dispose));
            }
            finally
            {
                // Whatever was thrown: the numbers of a binder that is disposed are not reported any more.
                if (isFirst)
                {
                    _metrics?.Dispose();
                }
            }
        }
    }

    private void DisposeUnsynchronized()
    {
        if (_logger is { } logger)
        {
            NoteDisposed(logger, _bindingCount, _keptCount);
        }

        _isDisposed = true;
        Complete();
        while (_newestOfSupervisor is { } record)
        {
            UnbindAll(record);
        }

        while (_newestKept is { } addressSpace)
        {
            while (addressSpace.NewestRegistered is { } registered)
            {
                UnbindAll(registered);
            }

            if (addressSpace.Pasid.IsValid)
            {
                FreePasid(addressSpace.Pasid, record: null);
                addressSpace.Pasid = Ioasid.Invalid;
                UpdateKept(addressSpace);
            }
        }

        foreach (Ioasid pasid in _leakedPasids?.InOrder ?? [])
        {
            FreePasid(pasid, record: null);
        }

        _leakedPasids = null;
        if (_holder is not null)
        {
            _ownAllocator!.Leave(_holder);
        }
    }

    internal AddressSpace Fork(AddressSpace parent, string name)
    {
        Names.Check(name, nameof(name));
        var child = new AddressSpace(this, name);
        Fork(parent, child, thread: null);
        return child;
    }

    /// <summary>Forks the process of a thread; the child has one thread of its own.</summary>
    internal SvmThread Fork(SvmThread thread, string name)
    {
        Names.Check(name, nameof(name));
        var child = new SvmThread(new AddressSpace(this, name), name);
        Fork(thread.AddressSpace, child.AddressSpace, (thread, child));
        return child;
    }

    private void Fork(AddressSpace parent, AddressSpace child, (SvmThread Parent, SvmThread Child)? thread)
    {
        PasidStatus status;
        Enter();
        try
        {
            thread?.Parent.ThrowIfExited();
            ThrowIfExited(parent, "fork");
            if (Profile.Has(KernelQuirks.ForkCopiesPasid))
            {
                child.Pasid = parent.Pasid;
                UpdateKept(child);
            }

            status = CopyMappings(parent, child);
            if (status == PasidStatus.Success && thread is { } threads)
            {
                AddThread(child, threads.Child);
            }
        }
        finally
        {
            Exit(nameof(Fork));
        }

        if (status != PasidStatus.Success)
        {
            throw new PasidException(status, $"The mappings of the address space '{parent}' could not be copied for '{child}': the fault injector answered {status} at {SvmFaultPoint.AddressSpaceCopy}.");
        }

        _logger?.AddressSpaceForked(parent, child, child.Pasid);
    }

    /// <summary>Copies what a child shares with its parent. A copy that fails drops the half-made child, and with it, under
    /// ForkCopiesPasid, the PASID of its parent.</summary>
    private PasidStatus CopyMappings(AddressSpace parent, AddressSpace child)
    {
        PasidStatus status = PasidStatus.OutOfMemory;
        try
        {
            status = Inject(SvmFaultPoint.AddressSpaceCopy, device: null, parent);
        }
        finally
        {
            if (status != PasidStatus.Success)
            {
                Complete();
                LeaveUnsynchronized(child);
            }
        }

        return status;
    }

    internal AddressSpace Exec(AddressSpace current, string name, SvmThread? thread = null)
    {
        Names.Check(name, nameof(name));
        var next = new AddressSpace(this, name);
        Enter();
        try
        {
            thread?.ThrowIfExited();
            ThrowIfExited(current, "exec");
            if (thread is not null)
            {
                MoveThread(thread, next);
            }

            LeaveUnsynchronized(current);
        }
        finally
        {
            Exit(nameof(Exec));
        }

        return next;
    }

    internal void Exit(AddressSpace addressSpace)
    {
        EnterGate();
        try
        {
            LeaveUnsynchronized(addressSpace);
        }
        finally
        {
            Exit(nameof(Exit));
        }
    }

    private static void ThrowIfExited(AddressSpace addressSpace, string what)
    {
        if (addressSpace.HasLeft)
        {
            throw new InvalidOperationException($"The address space '{addressSpace}' has exited: {what} one that still has a user.");
        }
    }

    /// <summary>The last user is gone.</summary>
    private void ExitUnsynchronized(AddressSpace addressSpace)
    {
        if (_logger is { } logger)
        {
            NoteExited(logger, addressSpace);
        }

        addressSpace.Unmap();
        Complete();
        for (SvmRecord? record = addressSpace.NewestRegistered; record is not null; record = record.Older)
        {
            for (SvmDeviceRecord? deviceRecord = record.NewestDevice; deviceRecord is not null; deviceRecord = deviceRecord.Older)
            {
                TearDownAndFlush(deviceRecord.Device, FlushingIommu(deviceRecord.Device, record), record);
            }
        }

        if (!IsPinned(addressSpace))
        {
            Destroy(addressSpace);
        }
    }

    /// <summary>The last pin is gone; the PASID goes with it.</summary>
    private void Destroy(AddressSpace addressSpace)
    {
        addressSpace.IsDestroyed = true;
        if (_logger is { } logger)
        {
            NoteDestroyed(logger, addressSpace);
        }

        Observe(SvmEventKind.AddressSpaceDestroyed, addressSpace: addressSpace);
        Ioasid pasid = addressSpace.Pasid;
        if (pasid.IsValid)
        {
            addressSpace.Pasid = Ioasid.Invalid;
            if (LosesPasids)
            {
                Leak(pasid);
            }
            else
            {
                FreePasid(pasid, addressSpace.SpareRecord);
            }
        }

        UpdateKept(addressSpace);
    }

    /// <summary>Gets a value indicating whether the PASIDs of destroyed address spaces are not freed.</summary>
    private bool LosesPasids => Profile.Has(KernelQuirks.FreeNeedsEnqcmd) && !_cpuHasEnqcmd && !_isDisposed;

    private void Leak(Ioasid pasid)
    {
        if ((_leakedPasids ??= new LeakedPasids()).Add(pasid) && _logger is { } logger)
        {
            NoteLeaked(logger, pasid);
        }
    }

    /// <summary>Ends a binding whatever its users, for the end of the binder.</summary>
    private void UnbindAll(SvmRecord record)
    {
        while (record.NewestDevice is { } deviceRecord)
        {
            _unbinds = deviceRecord.Users > long.MaxValue - _unbinds ? long.MaxValue : _unbinds + deviceRecord.Users;
            deviceRecord.Users = 0;
            record.RemoveDevice(deviceRecord);
            TearDownAndFlush(deviceRecord.Device, deviceRecord.Device.Iommu!, record);
        }

        Unlink(record);
        ReleasePasid(record);
        UnregisterNotifier(record);
    }

    /// <summary>Keeps an address space from being collected while it has something to lose.</summary>
    private void UpdateKept(AddressSpace addressSpace)
    {
        bool isKept = !addressSpace.IsDestroyed && (addressSpace.Pasid.IsValid || addressSpace.NewestRegistered is not null);
        if (isKept == addressSpace.IsKept)
        {
            return;
        }

        addressSpace.IsKept = isKept;
        _keptCount += isKept ? 1 : -1;
        if (isKept)
        {
            addressSpace.KeptBefore = _newestKept;
            if (_newestKept is not null)
            {
                _newestKept.KeptAfter = addressSpace;
            }

            _newestKept = addressSpace;
            return;
        }

        if (addressSpace.KeptAfter is null)
        {
            _newestKept = addressSpace.KeptBefore;
        }
        else
        {
            addressSpace.KeptAfter.KeptBefore = addressSpace.KeptBefore;
        }

        if (addressSpace.KeptBefore is not null)
        {
            addressSpace.KeptBefore.KeptAfter = addressSpace.KeptAfter;
        }

        addressSpace.KeptBefore = null;
        addressSpace.KeptAfter = null;
    }
}

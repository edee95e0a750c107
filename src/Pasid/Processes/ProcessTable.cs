using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The processes of a host: their life from the fork over the exec to the exit, their threads, and who uses and pins their address
/// spaces (<c>fork.c</c>). It keeps those address spaces from being collected that have something to lose.
/// </summary>
internal sealed partial class ProcessTable(HostGate gate, Cpu cpu, KernelProfile profile)
{
    private AddressSpace? _newestKept;
    private int _keptCount;

    public HostGate Gate { get; } = gate;

    public Cpu Cpu { get; } = cpu;

    public ILogger? Logger => Gate.Logger;

    /// <summary>Gets who has to know of the ends of address spaces; set once, by the host.</summary>
    public IProcessWatcher Watcher { get; set; } = null!;

    /// <summary>Gets the head of the address spaces that have a PASID or a binding and would be lost if they were dropped.</summary>
    public AddressSpace? NewestKept => _newestKept;

    public int KeptCount => _keptCount;

    public AddressSpace CreateAddressSpace(string name)
    {
        Names.Check(name, nameof(name));
        Gate.Pass();
        return new AddressSpace(this, name);
    }

    public AddressSpace Fork(AddressSpace parent, string name)
    {
        Names.Check(name, nameof(name));
        var child = new AddressSpace(this, name);
        Fork(parent, child, thread: null);
        return child;
    }

    /// <summary>Forks the process of a thread; the child has one thread of its own.</summary>
    public SvmThread Fork(SvmThread thread, string name)
    {
        Names.Check(name, nameof(name));
        var child = new SvmThread(new AddressSpace(this, name), name);
        Fork(thread.AddressSpace, child.AddressSpace, (thread, child));
        return child;
    }

    public AddressSpace Exec(AddressSpace current, string name, SvmThread? thread = null)
    {
        Names.Check(name, nameof(name));
#pragma warning disable CA2000 // The caller's from now on: to dispose it would be to exit it.
        var next = new AddressSpace(this, name);
#pragma warning restore CA2000
        using Operation operation = Gate.Enter();
        thread?.ThrowIfExited();
        ThrowIfLeft(current, "exec");
        if (thread is not null)
        {
            MoveThread(thread, next);
        }

        Leave(in operation, current);
        return next;
    }

    public void Exit(AddressSpace addressSpace)
    {
        using Operation operation = Gate.EnterAnyhow();
        Leave(in operation, addressSpace);
    }

    public SvmThread CreateThread(AddressSpace addressSpace, string name, SvmThread? parent = null)
    {
        Names.Check(name, nameof(name));
        using Operation operation = Gate.Enter();
        parent?.ThrowIfExited();
        if (addressSpace.HasLeft)
        {
            throw new InvalidOperationException($"The process of the address space '{addressSpace}' has left: make threads of one that runs.");
        }

        var thread = new SvmThread(addressSpace, name);
        AddThread(addressSpace, thread);
        return thread;
    }

    public IReadOnlyList<SvmThread> GetThreads(AddressSpace addressSpace)
    {
        using Operation operation = Gate.EnterAnyhow();
        return addressSpace.Threads?.ToArray() ?? [];
    }

    public void ExitThread(SvmThread thread)
    {
        using Operation operation = Gate.EnterAnyhow();
        if (!thread.HasExited)
        {
            thread.HasExited = true;
            thread.AddressSpace.Threads!.Remove(thread);
            thread.AddressSpace.UserCount.AddOwn(-1);
        }
    }

    /// <summary>Lets a user leave who found itself to be the last.</summary>
    public void DropLastUser(AddressSpace addressSpace)
    {
        using Operation operation = Gate.EnterAnyhow(nameof(AddressSpace.DropUser));
        DropLastUser(in operation, addressSpace);
    }

    /// <summary>Lets the user leave that an answer is.</summary>
    public void DropUser(AddressSpace addressSpace, Aftermath aftermath)
    {
        if (!addressSpace.UserCount.TryDrop(addressSpace, isLastToo: false))
        {
            using Operation operation = Gate.EnterWithTurn(aftermath, nameof(AddressSpace.DropUser));
            DropLastUser(in operation, addressSpace);
        }
    }

    public long CountPins(AddressSpace addressSpace)
    {
        using Operation operation = Gate.EnterAnyhow();
        long pins = addressSpace.ExtraPins;
        for (Notifier? notifier = addressSpace.NewestNotifier; notifier is not null; notifier = notifier.Older)
        {
            pins++;
        }

        return pins;
    }

    public void AddPin(AddressSpace addressSpace)
    {
        using Operation operation = Gate.Enter();
        if (addressSpace.IsDestroyed)
        {
            throw new InvalidOperationException($"The address space '{addressSpace}' is destroyed: pin one that is there.");
        }

        if (addressSpace.ExtraPins == int.MaxValue)
        {
            throw new PasidException(PasidStatus.Overflow, $"The address space '{addressSpace}' has as many pins as can be counted: drop one first.");
        }

        addressSpace.ExtraPins++;
    }

    public void DropPin(AddressSpace addressSpace)
    {
        using Operation operation = Gate.EnterAnyhow();
        if (addressSpace.ExtraPins == 0)
        {
            throw new InvalidOperationException($"The address space '{addressSpace}' has no pin left that {nameof(AddressSpace.AddPin)} added: drop each once.");
        }

        addressSpace.ExtraPins--;
        if (addressSpace is { HasExited: true, IsDestroyed: false, IsPinned: false })
        {
            operation.Complete();
            Destroy(in operation, addressSpace);
        }
    }

    /// <summary>Looks after an address space from which a notifier was taken away: its last pin destroys it, if it has exited.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndUnregistration(in Operation operation, AddressSpace addressSpace)
    {
        if (addressSpace is { HasExited: true, IsPinned: false })
        {
            Destroy(in operation, addressSpace);
        }

        UpdateKept(addressSpace);
    }

    /// <summary>Keeps an address space from being collected while it has something to lose; inside the gate.</summary>
    public void UpdateKept(AddressSpace addressSpace)
    {
        Gate.AssertInside();
        bool isKept = !addressSpace.IsDestroyed && (addressSpace.Pasid.IsValid || addressSpace.NewestNotifier is not null);
        if (isKept == addressSpace.IsKept)
        {
            return;
        }

        addressSpace.IsKept = isKept;
        _keptCount += isKept ? 1 : -1;
        if (isKept)
        {
            addressSpace.KeptBefore = _newestKept;
            _newestKept?.KeptAfter = addressSpace;
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

        addressSpace.KeptBefore?.KeptAfter = addressSpace.KeptAfter;
        addressSpace.KeptBefore = null;
        addressSpace.KeptAfter = null;
    }

    /// <summary>Has everything of processes stand still that changes without the gate, which is entered: registers, portals and users.
    /// Nothing is called, and nothing waited for but gates that are held for a few instructions.</summary>
    /// <param name="others">Address spaces besides those that are kept.</param>
    public void HoldStill(IReadOnlyList<AddressSpace> others)
    {
        Gate.AssertInside();
        Cpu.MappingGate.Enter();
        for (AddressSpace? kept = _newestKept; kept is not null; kept = kept.KeptBefore)
        {
            kept.UserCount.HoldStill();
        }

        foreach (AddressSpace addressSpace in others)
        {
            addressSpace.UserCount.HoldStill();
        }
    }

    /// <summary>Lets go on what <see cref="HoldStill"/> holds.</summary>
    public void LetGo(IReadOnlyList<AddressSpace> others)
    {
        foreach (AddressSpace addressSpace in others)
        {
            addressSpace.UserCount.LetGo();
        }

        for (AddressSpace? kept = _newestKept; kept is not null; kept = kept.KeptBefore)
        {
            kept.UserCount.LetGo();
        }

        Cpu.MappingGate.Leave();
    }

    private static void ThrowIfLeft(AddressSpace addressSpace, string what)
    {
        if (addressSpace.HasLeft)
        {
            throw new InvalidOperationException($"The address space '{addressSpace}' has exited: {what} one that still has a user.");
        }
    }

    private static void AddThread(AddressSpace addressSpace, SvmThread thread)
    {
        (addressSpace.Threads ??= []).Add(thread);
        addressSpace.UserCount.AddOwn(1);
    }

    private void Fork(AddressSpace parent, AddressSpace child, (SvmThread Parent, SvmThread Child)? thread)
    {
        PasidStatus status;
        using (Operation operation = Gate.Enter())
        {
            thread?.Parent.ThrowIfExited();
            ThrowIfLeft(parent, "fork");
            if (profile.Has(KernelQuirks.ForkCopiesPasid))
            {
                child.Pasid = parent.Pasid;
                UpdateKept(child);
            }

            status = CopyMappings(in operation, parent, child);
            if (status == PasidStatus.Success && thread is { } threads)
            {
                AddThread(child, threads.Child);
            }
        }

        if (status != PasidStatus.Success)
        {
            throw new PasidException(status, $"The mappings of the address space '{parent}' could not be copied for '{child}': the fault injector answered {status} at AddressSpaceCopy.");
        }

        Logger?.AddressSpaceForked(parent, child, child.Pasid);
    }

    /// <summary>Copies what a child shares with its parent. A copy that fails drops the half-made child, and with it, under
    /// ForkCopiesPasid, the PASID of its parent.</summary>
    private PasidStatus CopyMappings(in Operation operation, AddressSpace parent, AddressSpace child)
    {
        PasidStatus status = PasidStatus.OutOfMemory;
        try
        {
            status = Watcher.OnCopy(in operation, parent);
        }
        finally
        {
            if (status != PasidStatus.Success)
            {
                operation.Complete();
                Leave(in operation, child);
            }
        }

        return status;
    }

    /// <summary>Has a thread go on in another address space, with an empty register; that of the process it leaves still has a user.</summary>
    private void MoveThread(SvmThread thread, AddressSpace next)
    {
        AddressSpace current = thread.AddressSpace;
        current.Threads!.Remove(thread);
        current.UserCount.AddOwn(-1);

        // As one step for who loads a PASID into the register: the number of the one must not come to the other.
        Cpu.MappingGate.Enter();
        thread.AddressSpace = next;
        thread.Load(default);
        Cpu.MappingGate.Leave();
        AddThread(next, thread);
    }

    /// <summary>Lets a process leave; its threads end. If nobody else uses the address space, it has exited.</summary>
    private void Leave(in Operation operation, AddressSpace addressSpace)
    {
        if (addressSpace.HasLeft)
        {
            return;
        }

        addressSpace.HasLeft = true;
        int own = 1 + (addressSpace.Threads?.Count ?? 0);
        addressSpace.Threads?.ForEach(static thread => thread.HasExited = true);
        addressSpace.Threads = null;
        if (addressSpace.UserCount.AddOwn(-own))
        {
            EndUse(in operation, addressSpace);
        }
    }

    private void DropLastUser(in Operation operation, AddressSpace addressSpace)
    {
        // Others may have come meanwhile, or the last have left.
        if ((addressSpace.HasExited && Planted.Is(PlantedFault.LastUsersLeaveUnseen))
            || (addressSpace.UserCount.TryDrop(addressSpace, isLastToo: true) && addressSpace.HasExited))
        {
            EndUse(in operation, addressSpace);
        }
    }

    /// <summary>The last user is gone.</summary>
    private void EndUse(in Operation operation, AddressSpace addressSpace)
    {
        operation.Note(addressSpace, static (logger, exited) => logger.AddressSpaceExited(exited));
        Cpu.MappingGate.Enter();
        addressSpace.LoadPortalsUnsynchronized(portals: null);
        Cpu.MappingGate.Leave();
        operation.Complete();
        Watcher.OnLastUserGone(in operation, addressSpace);
        if (!addressSpace.IsPinned)
        {
            Destroy(in operation, addressSpace);
        }
    }

    /// <summary>The last pin is gone; the PASID goes with it.</summary>
    private void Destroy(in Operation operation, AddressSpace addressSpace)
    {
        addressSpace.IsDestroyed = true;
        operation.Note(addressSpace, static (logger, destroyed) => logger.AddressSpaceDestroyed(destroyed));
        Watcher.OnLastPinGone(in operation, addressSpace);
        UpdateKept(addressSpace);
    }
}

/// <summary>Who has to know of the ends of address spaces: the binder of the host. Called inside the gate.</summary>
internal interface IProcessWatcher
{
    /// <summary>Asks whether the copy of an address space succeeds.</summary>
    PasidStatus OnCopy(in Operation operation, AddressSpace parent);

    /// <summary>Tells that the last user has gone: nothing may translate any more.</summary>
    void OnLastUserGone(in Operation operation, AddressSpace addressSpace);

    /// <summary>Tells that the last pin has gone too: the address space is destroyed.</summary>
    void OnLastPinGone(in Operation operation, AddressSpace addressSpace);
}

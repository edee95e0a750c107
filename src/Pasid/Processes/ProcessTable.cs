using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace Pasid.Internal;

/// <summary>
/// The processes of a host: their life from the fork over the exec to the exit, their threads, and who uses and pins their address
/// spaces (<c>fork.c</c>). It keeps those address spaces from being collected that have something to lose.
/// </summary>
internal sealed partial class ProcessTable(HostGate gate, Cpu cpu, KernelProfile profile)
{
    private int _keptCount;

    public HostGate Gate { get; } = gate;

    public Cpu Cpu { get; } = cpu;

    /// <summary>Gets who has to know of the ends of address spaces; set once, by the host.</summary>
    public IProcessWatcher Watcher { get; set; } = null!;

    /// <summary>Gets the head of the address spaces that have a PASID or a binding and would be lost if they were dropped.</summary>
    public AddressSpace? NewestKept { get; private set; }

    public int KeptCount => _keptCount;

    public AddressSpace CreateAddressSpace(string name)
    {
        Names.Check(name, nameof(name));
        Gate.Pass();
        return new AddressSpace(this, name);
    }

    /// <summary>Forks a process. What is answered runs in the child only if <paramref name="thread"/> forks it; otherwise it just leads
    /// to the address space of the child.</summary>
    public SvmThread Fork(AddressSpace parent, string name, SvmThread? thread = null)
    {
        Names.Check(name, nameof(name));
        var childThread = new SvmThread(new AddressSpace(this, name), name);
        AddressSpace child = childThread.AddressSpace;
        PasidStatus status = PasidStatus.OutOfMemory;
        using (Operation operation = Gate.Enter())
        {
            thread?.ThrowIfExited();
            ThrowIfLeft(parent, "fork");
            if (profile.Has(KernelQuirks.ForkCopiesPasid))
            {
                child.Pasid = parent.Pasid;
                UpdateKept(child);
            }

            try
            {
                status = Watcher.OnCopy(in operation, parent);
            }
            finally
            {
                if (status != PasidStatus.Success)
                {
                    // Drops the half-made child, and with it, under ForkCopiesPasid, the PASID of its parent.
                    operation.Complete();
                    Leave(in operation, child);
                }
            }

            if (status == PasidStatus.Success && thread is not null)
            {
                AddThread(child, childThread);
            }
        }

        if (status != PasidStatus.Success)
        {
            throw new PasidException(status, $"The mappings of the address space '{parent}' could not be copied for '{child}': the fault injector answered {status} at AddressSpaceCopy.");
        }

        Gate.Logger?.AddressSpaceForked(parent, child, child.Pasid);
        return childThread;
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
            // It goes on there with an empty register; its user of what it leaves goes last, if no other process is there.
            foreach (SvmThread other in FindGroup(thread))
            {
                if (!ReferenceEquals(other, thread))
                {
                    RemoveThread(other);
                    other.HasExited = true;
                }
            }

            bool isLast = !RemoveThread(thread);

            // As one step for who loads a PASID into the register: the number of the one must not come to the other.
            Cpu.MappingGate.Enter();
            thread.AddressSpace = next;
            thread.Load(default);
            Cpu.MappingGate.Leave();
            thread.ThreadGroup = next;
            AddThread(next, thread);
            if (!isLast)
            {
                return next;
            }
        }

        Leave(in operation, current);
        return next;
    }

    /// <summary>Lets a process leave; also from inside an answer, which nothing waits for here.</summary>
    public void Exit(AddressSpace addressSpace)
    {
        using Operation operation = Gate.EnterWithTurn(outer: null, nameof(Exit));
        Leave(in operation, addressSpace);
    }

    /// <inheritdoc cref="AddressSpace.NotifyUnmapped"/>
    public void NotifyUnmapped(AddressSpace addressSpace, ulong first, ulong last)
    {
        using Operation operation = Gate.EnterWithTurn(outer: null, nameof(NotifyUnmapped));
        if (!addressSpace.HasExited)
        {
            operation.Complete();
            Watcher.OnUnmapped(in operation, addressSpace, first, last);
        }
    }

    /// <summary>Lets a user leave; one that an answer is has an aftermath. Only who finds itself to be the last enters the gate.</summary>
    public void DropUser(AddressSpace addressSpace, Aftermath? aftermath = null)
    {
        if (addressSpace.UserCount.TryDrop(addressSpace, isLastToo: false))
        {
            return;
        }

        using Operation operation = aftermath is null ? Gate.EnterAnyhow() : Gate.EnterWithTurn(aftermath, nameof(DropUser));

        // Others may have come meanwhile, or the last have left.
        if ((addressSpace.HasExited && Planted.Is(PlantedFault.LastUsersLeaveUnseen))
            || (addressSpace.UserCount.TryDrop(addressSpace, isLastToo: true) && addressSpace.HasExited))
        {
            EndUse(in operation, addressSpace);
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void UpdateKept(AddressSpace addressSpace)
    {
        Gate.AssertInside();
        bool isKept = !addressSpace.IsDestroyed && (addressSpace.Pasid.IsValid || addressSpace.NewestNotifier is not null);
        if (isKept != addressSpace.IsKept)
        {
            Keep(addressSpace, isKept);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Keep(AddressSpace addressSpace, bool isKept)
    {
        addressSpace.IsKept = isKept;
        _keptCount += isKept ? 1 : -1;
        if (isKept)
        {
            addressSpace.KeptBefore = NewestKept;
            NewestKept?.KeptAfter = addressSpace;
            NewestKept = addressSpace;
            return;
        }

        if (addressSpace.KeptAfter is null)
        {
            NewestKept = addressSpace.KeptBefore;
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
        ForAll(others, static addressSpace => addressSpace.UserCount.HoldStill());
    }

    /// <summary>Lets go on what <see cref="HoldStill"/> holds.</summary>
    public void LetGo(IReadOnlyList<AddressSpace> others)
    {
        ForAll(others, static addressSpace => addressSpace.UserCount.LetGo());
        Cpu.MappingGate.Leave();
    }

    private void ForAll(IReadOnlyList<AddressSpace> others, Action<AddressSpace> change)
    {
        for (AddressSpace? kept = NewestKept; kept is not null; kept = kept.KeptBefore)
        {
            change(kept);
        }

        foreach (AddressSpace addressSpace in others)
        {
            change(addressSpace);
        }
    }

    private static void ThrowIfLeft(AddressSpace addressSpace, string what)
    {
        if (addressSpace.HasLeft)
        {
            throw new InvalidOperationException($"The address space '{addressSpace}' has exited: {what} one that still has a user.");
        }
    }

    /// <summary>Lets the processes of an address space leave; their threads end. If nobody else uses the address space, it has exited.</summary>
    private void Leave(in Operation operation, AddressSpace addressSpace)
    {
        if (addressSpace.HasLeft)
        {
            return;
        }

        int own = addressSpace.OwnUsers;
        addressSpace.HasLeft = true;
        addressSpace.Threads?.ForEach(static thread => thread.HasExited = true);
        addressSpace.Threads = null;
        if (addressSpace.UserCount.AddOwn(-own))
        {
            EndUse(in operation, addressSpace);
        }
    }

    /// <summary>The last user is gone.</summary>
    private void EndUse(in Operation operation, AddressSpace addressSpace)
    {
        operation.Note(addressSpace, static (logger, exited) => logger.AddressSpaceExited(exited));
        Cpu.MappingGate.Enter();
        addressSpace.ReplacePortalsUnsynchronized(portals: null);
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

    /// <summary>Tells that a range of addresses is no longer mapped: nothing may be cached of it any more.</summary>
    void OnUnmapped(in Operation operation, AddressSpace addressSpace, ulong first, ulong last);

    /// <summary>Tells that the last pin has gone too: the address space is destroyed.</summary>
    void OnLastPinGone(in Operation operation, AddressSpace addressSpace);
}

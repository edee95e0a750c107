using Pasid.Internal;

namespace Pasid;

/// <content>Who uses and who pins an address space: processes, threads, and those who come for a while.</content>
public sealed partial class SvmBinder
{
    /// <summary>Ends of ENQCMD and ENQCMDS by <see cref="EnqcmdOutcome"/>.</summary>
    private readonly long[] _enqcmds = new long[(int)EnqcmdOutcome.PageFault + 1];

    private long _fixups;

    /// <inheritdoc cref="MappingGate"/>
    private Gate _mappingGate = new();

    /// <summary>Gets a value indicating whether the CPU has ENQCMD.</summary>
    internal bool CpuHasEnqcmd => _cpuHasEnqcmd;

    internal SvmThread CreateThread(AddressSpace addressSpace, string name, SvmThread? parent = null)
    {
        Names.Check(name, nameof(name));
        Enter();
        try
        {
            parent?.ThrowIfExited();
            if (addressSpace.HasLeft)
            {
                throw new InvalidOperationException($"The process of the address space '{addressSpace}' has left: make threads of one that runs.");
            }

            var thread = new SvmThread(addressSpace, name);
            AddThread(addressSpace, thread);
            return thread;
        }
        finally
        {
            Exit(nameof(CreateThread));
        }
    }

    internal IReadOnlyList<SvmThread> GetThreads(AddressSpace addressSpace)
    {
        EnterGate();
        try
        {
            return addressSpace.Threads?.ToArray() ?? [];
        }
        finally
        {
            _gate.Leave();
        }
    }

    internal void ExitThread(SvmThread thread)
    {
        EnterGate();
        try
        {
            if (!thread.HasExited)
            {
                thread.HasExited = true;
                thread.AddressSpace.Threads!.Remove(thread);
                Interlocked.Add(ref thread.AddressSpace.UsersWord, -AddressSpace.OwnUser);
            }
        }
        finally
        {
            Exit(nameof(ExitThread));
        }
    }

    /// <summary>Lets a user leave who found itself to be the last.</summary>
    internal void DropLastUser(AddressSpace addressSpace)
    {
        EnterGate();
        try
        {
            DropLastUserUnsynchronized(addressSpace);
        }
        finally
        {
            Exit(nameof(AddressSpace.DropUser));
        }
    }

    /// <summary>Lets the user leave that an answer is; what is to be logged waits until it may be.</summary>
    internal void DropLastUser(AddressSpace addressSpace, AnswerRun run)
    {
        _gate.EnterAsOwner(What);
        OperationState state;
        try
        {
            DropLastUserUnsynchronized(addressSpace);
        }
        finally
        {
            state = TakeOperation(nameof(AddressSpace.DropUser));
            _gate.Leave();
        }

        run.Notes.AddRange(state.Notes ?? []);
        state.Failure?.Throw();
    }

    private void DropLastUserUnsynchronized(AddressSpace addressSpace)
    {
        // Others may have come meanwhile, or the last have left.
        if (addressSpace.DropUserUnsynchronized())
        {
            ExitUnsynchronized(addressSpace);
        }
    }

    internal long CountPins(AddressSpace addressSpace)
    {
        EnterGate();
        try
        {
            long pins = addressSpace.ExtraPins;
            for (SvmRecord? record = addressSpace.NewestRegistered; record is not null; record = record.Older)
            {
                pins++;
            }

            return pins;
        }
        finally
        {
            _gate.Leave();
        }
    }

    internal void AddPin(AddressSpace addressSpace)
    {
        Enter();
        try
        {
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
        finally
        {
            Exit(nameof(AddPin));
        }
    }

    internal void DropPin(AddressSpace addressSpace)
    {
        EnterGate();
        try
        {
            if (addressSpace.ExtraPins == 0)
            {
                throw new InvalidOperationException($"The address space '{addressSpace}' has no pin left that {nameof(AddressSpace.AddPin)} added: drop each once.");
            }

            addressSpace.ExtraPins--;
            if (addressSpace is { HasExited: true, IsDestroyed: false } && !IsPinned(addressSpace))
            {
                Complete();
                Destroy(addressSpace);
            }
        }
        finally
        {
            Exit(nameof(DropPin));
        }
    }

    /// <summary>Loads the PASID of its process into the register of a thread that has none.</summary>
    /// <returns><see langword="false"/> if the process has none that fits.</returns>
    internal bool TryLoadPasid(SvmThread thread)
    {
        _mappingGate.Enter();
        Ioasid pasid = thread.AddressSpace.Pasid;
        bool isLoaded = pasid.Value < IoasidRange.PasidLimit && !thread.Msr.IsValid;
        if (isLoaded)
        {
            thread.Load(PasidMsr.Of(pasid));
        }

        _mappingGate.Leave();
        return isLoaded;
    }

    /// <summary>Waits until a capture or restore is over that this thread has come upon without the gate.</summary>
    internal void WaitForGate()
    {
        _gate.EnterAsOwner(What);
        _gate.Leave();
    }

    /// <summary>Gets what guards what processes change without the binder's gate: registers and portals. Entered inside that gate or
    /// alone, for a few instructions; nothing is called inside.</summary>
    internal ref Gate MappingGate => ref _mappingGate;

    /// <summary>Counts and logs how an instruction ended.</summary>
    internal EnqcmdResult Tell(SvmThread thread, EnqcmdResult result)
    {
        Interlocked.Increment(ref _enqcmds[(int)result.Outcome]);
        if (result.WasFixedUp)
        {
            Interlocked.Increment(ref _fixups);
            _logger?.PasidLoaded(thread, thread.Msr.Pasid);
        }

        if (result.Outcome > EnqcmdOutcome.Retry)
        {
            _logger?.InstructionFaulted(thread, result.Outcome);
        }

        return result;
    }

    private static bool IsPinned(AddressSpace addressSpace) => addressSpace.NewestRegistered is not null || addressSpace.ExtraPins != 0;

    private static void AddThread(AddressSpace addressSpace, SvmThread thread)
    {
        (addressSpace.Threads ??= []).Add(thread);
        Interlocked.Add(ref addressSpace.UsersWord, AddressSpace.OwnUser);
    }

    /// <summary>Has a thread go on in another address space, with an empty register; that of the process it leaves still has a user.</summary>
    private void MoveThread(SvmThread thread, AddressSpace next)
    {
        AddressSpace current = thread.AddressSpace;
        current.Threads!.Remove(thread);
        Interlocked.Add(ref current.UsersWord, -AddressSpace.OwnUser);

        // As one step for who loads a PASID into the register: the number of the one must not come to the other.
        _mappingGate.Enter();
        thread.AddressSpace = next;
        thread.Load(default);
        _mappingGate.Leave();
        AddThread(next, thread);
    }

    /// <summary>Lets a process leave; its threads end. If nobody else uses the address space, it has exited.</summary>
    private void LeaveUnsynchronized(AddressSpace addressSpace)
    {
        if (addressSpace.HasLeft)
        {
            return;
        }

        addressSpace.HasLeft = true;
        long own = 1 + (addressSpace.Threads?.Count ?? 0);
        addressSpace.Threads?.ForEach(static thread => thread.HasExited = true);
        addressSpace.Threads = null;
        if (Interlocked.Add(ref addressSpace.UsersWord, -own * AddressSpace.OwnUser) == 0)
        {
            ExitUnsynchronized(addressSpace);
        }
    }
}

namespace Pasid.Internal;

/// <content>Threads and what they are users for: the processes that they make up, and their instructions.</content>
internal sealed partial class ProcessTable
{
    /// <summary>Makes a thread of the process that an address space was made for, or one beside a parent.</summary>
    public SvmThread CreateThread(AddressSpace addressSpace, string name, SvmThread? parent = null, bool isOwnProcess = false)
    {
        Names.Check(name, nameof(name));
        using Operation operation = Gate.Enter();
        parent?.ThrowIfExited();
        bool isThere = !addressSpace.HasLeft
            && (parent is not null || addressSpace.Threads is null || addressSpace.Threads.Exists(other => ReferenceEquals(other.ThreadGroup, addressSpace)));
        if (!isThere)
        {
            throw new InvalidOperationException($"The process of the address space '{addressSpace}' has left: make threads of one that runs.");
        }

        var thread = new SvmThread(addressSpace, name, threadGroup: isOwnProcess ? new object() : parent?.ThreadGroup);
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
        using Operation operation = Gate.EnterWithTurn(outer: null, nameof(ExitThread));
        if (!thread.HasExited)
        {
            ExitThread(in operation, thread);
        }
    }

    public void ExitGroup(SvmThread thread)
    {
        using Operation operation = Gate.EnterWithTurn(outer: null, nameof(ExitGroup));
        if (!thread.HasExited)
        {
            foreach (SvmThread member in FindGroup(thread))
            {
                ExitThread(in operation, member);
            }
        }
    }

    /// <summary>Ends an instruction that may be the last user; also from inside an answer, which is over before the gate is waited for.</summary>
    public void EndInstruction(AddressSpace addressSpace, int life)
    {
        var aftermath = new Aftermath();
        try
        {
            using Operation operation = Gate.EnterWithTurn(aftermath, nameof(EndInstruction));
            if (life == addressSpace.Life && addressSpace.TryDropInstruction(life, isLastToo: true) && addressSpace.HasExited)
            {
                EndUse(in operation, addressSpace);
            }
        }
        finally
        {
            aftermath.Finish();
        }
    }

    /// <summary>Adds a thread; the first takes over the user that stands for the process.</summary>
    private static void AddThread(AddressSpace addressSpace, SvmThread thread)
    {
        List<SvmThread> threads = addressSpace.Threads ??= [];
        threads.Add(thread);
        addressSpace.UserCount.AddOwn(threads.Count == 1 ? 0 : 1);
    }

    /// <summary>Takes a thread away, and its user if others are left.</summary>
    /// <returns><see langword="false"/> if it was the last, whose user goes with <see cref="Leave"/>.</returns>
    private static bool RemoveThread(SvmThread thread)
    {
        AddressSpace addressSpace = thread.AddressSpace;
        addressSpace.Threads!.Remove(thread);
        if (addressSpace.Threads.Count == 0)
        {
            return false;
        }

        addressSpace.UserCount.AddOwn(-1);
        return true;
    }

    private static List<SvmThread> FindGroup(SvmThread thread) =>
        thread.AddressSpace.Threads!.FindAll(other => ReferenceEquals(other.ThreadGroup, thread.ThreadGroup));

    private void ExitThread(in Operation operation, SvmThread thread)
    {
        thread.HasExited = true;
        if (!RemoveThread(thread))
        {
            Leave(in operation, thread.AddressSpace);
        }
    }
}

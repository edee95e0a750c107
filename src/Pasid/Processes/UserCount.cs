namespace Pasid.Internal;

/// <summary>
/// How many users an address space has, in one word: above bit 31 the threads, or the process that has not named any, which change inside the gate of the
/// host; below it those who came by <see cref="AddressSpace.TryAddUser"/>, without it. Bit 31 says that they stand still. Safe for
/// concurrent use.
/// </summary>
internal struct UserCount
{
    /// <summary>One thread, or the process that has not named any.</summary>
    public const long OwnUser = 1L << 32;

    /// <summary>Says that nobody may come or go who needs no gate for it.</summary>
    private const long Still = 1L << 31;

    private const long ExtraMask = Still - 1;

    private long _users = OwnUser;

    public UserCount()
    {
    }

    public long All
    {
        get
        {
            long users = Volatile.Read(ref _users);
            return (users >> 32) + (users & ExtraMask);
        }
    }

    /// <summary>Gets a value indicating whether the last has left.</summary>
    public bool IsZero => Volatile.Read(ref _users) == 0;

    /// <summary>Gets how many are threads, or the process.</summary>
    public long Own => Volatile.Read(ref _users) / OwnUser;

    /// <summary>Gets how many came without the gate and have not left.</summary>
    public int Extra => (int)(Volatile.Read(ref _users) & ExtraMask);

    /// <summary>Changes the number of those that are threads, or the process; inside the gate.</summary>
    /// <returns><see langword="true"/> if nobody is left.</returns>
    public bool AddOwn(long change) => Interlocked.Add(ref _users, change * OwnUser) == 0;

    /// <summary>Adds one, unless the last has left.</summary>
    public bool TryAdd(AddressSpace owner) => TryChange(owner, 1, refused: 0);

    /// <summary>Takes one away that came by <see cref="TryAdd"/>; the last of all only inside the gate, if <paramref name="isLastToo"/>.</summary>
    public bool TryDrop(AddressSpace owner, bool isLastToo) => TryChange(owner, -1, refused: isLastToo ? -1 : 1);

    /// <summary>Has the users stand still, until <see cref="LetGo"/> or <see cref="Set"/>; the gate of the host is held all the time.
    /// Who has exited stands still anyhow.</summary>
    public void HoldStill()
    {
        long users;
        do
        {
            users = Volatile.Read(ref _users);
        }
        while (users != 0 && Interlocked.CompareExchange(ref _users, users | Still, users) != users);
    }

    public void LetGo() => Interlocked.And(ref _users, ~Still);

    /// <summary>Brings the users into a given state; inside the gate.</summary>
    public void Set(int own, int extra) => Volatile.Write(ref _users, (OwnUser * own) + extra);

    /// <summary>Changes the number of those that need no gate, unless the number of all is <paramref name="refused"/>.</summary>
    private bool TryChange(AddressSpace owner, int change, long refused)
    {
        long users = Volatile.Read(ref _users);
        while (users != refused)
        {
            long seen;
            if ((users & Still) != 0)
            {
                owner.Processes.Gate.WaitForOperation();
                seen = Volatile.Read(ref _users);
            }
            else if ((users & ExtraMask) + change is < 0 or > ExtraMask)
            {
                throw change < 0
                    ? new InvalidOperationException($"Nobody uses the address space '{owner}' who came by {nameof(AddressSpace.TryAddUser)}: drop each user once.")
                    : new PasidException(PasidStatus.Overflow, $"The address space '{owner}' has as many users as can be counted: drop one first.");
            }
            else if ((seen = Interlocked.CompareExchange(ref _users, users + change, users)) == users)
            {
                return true;
            }

            users = seen;
        }

        return false;
    }
}

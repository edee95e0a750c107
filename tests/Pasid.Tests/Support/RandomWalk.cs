namespace Pasid.Tests.Support;

/// <summary>Random calls over everything a host can do, each answered as text; the same seed makes the same calls.</summary>
internal sealed class RandomWalk
{
    private const int Processes = 5;
    private readonly Host _host;
    private readonly Random _random;
    private readonly SvmDevice[] _devices;
    private readonly IoasidSet?[] _owners = [null, new("red"), new("blue")];

    private int _made;

    public RandomWalk(Host host, int seed)
        : this(host, seed, [host.DeviceA, host.DeviceB, host.DeviceFar, host.Narrow(4)], made: 0)
    {
        for (int i = 0; i < Processes; i++)
        {
            AddressSpaces.Add(host.Process(NextName()));
        }
    }

    private RandomWalk(Host host, int seed, SvmDevice[] devices, int made)
    {
        _host = host;
        _random = new Random(seed);
        _devices = devices;
        _made = made;
    }

    /// <summary>Gets the address spaces that calls choose from.</summary>
    public List<AddressSpace> AddressSpaces { get; } = [];

    public IReadOnlyList<SvmDevice> Devices => _devices;

    /// <summary>Goes on from where another walk stands, in this walk's host.</summary>
    /// <param name="other">The other walk; its host is in the same state.</param>
    /// <param name="seed">Of the calls to come.</param>
    /// <param name="restored">The address spaces of this host that have something to lose; the others are made anew.</param>
    public RandomWalk ContinueAs(RandomWalk other, int seed, IReadOnlyList<AddressSpace> restored)
    {
        var walk = new RandomWalk(_host, seed, _devices, other._made);
        walk.AddressSpaces.AddRange(other.AddressSpaces.Select(a => restored.FirstOrDefault(r => r.Name == a.Name) ?? _host.Process(a.Name)));
        return walk;
    }

    private string NextName() => $"p{_made++}";

    public string[] Go(int steps) => [.. Enumerable.Range(0, steps).Select(_ => Step())];

    private string Step()
    {
        int space = _random.Next(AddressSpaces.Count);
        SvmDevice device = _devices[_random.Next(_devices.Length)];
        var id = new Ioasid((uint)_random.Next(0, 14));
        int fault = _random.Next(40);
        _host.Armed = fault is > 0 and <= 5 ? (SvmFaultPoint)fault : null;
        int choice = _random.Next(100);
        int detail = _random.Next(100);
        string answer = choice switch
        {
            < 35 => Bind(device, space, detail),
            < 65 => $"unbind {device} {id}: {_host.Binder.UnbindMm(device, id)}",
            < 72 => Exit(space),
            < 76 => Fork(space, detail),
            < 82 => Allocate(detail),
            < 86 => $"free {id}: {(IsOthers(id) ? _host.Allocator.Free(id) : default)}",
            < 90 => $"get {id}: {_host.Allocator.AddReference(id)}",
            < 94 => $"put {id}: {(_host.Allocator.GetReferenceCount(id) > 1 || IsOthers(id) ? _host.Allocator.DropReference(id) : default)}",
            _ => $"valid {device} {id}: {_host.Binder.IsPasidValid(device, id, out bool isValid)} {isValid}",
        };
        _host.ShouldBeWhole();
        return $"{answer} | {string.Join(' ', _host.TakeEvents())}";
    }

    private string Bind(SvmDevice device, int space, int detail)
    {
        SvmBindFlags flags = detail switch
        {
            < 70 => SvmBindFlags.None,
            < 85 => SvmBindFlags.Private,
            < 93 => SvmBindFlags.Supervisor,
            _ => SvmBindFlags.Supervisor | SvmBindFlags.Private,
        };
        PasidStatus status = _host.Binder.BindMm(device, AddressSpaces[space], flags, null, out Ioasid pasid);
        return $"bind {device} {AddressSpaces[space]} {flags}: {status} {pasid}";
    }

    private string Exit(int space)
    {
        AddressSpaces[space].Exit();
        AddressSpaces[space] = _host.Process(NextName());
        return $"exit {space}";
    }

    private string Fork(int space, int detail)
    {
        int child = detail % AddressSpaces.Count;
        if (child == space)
        {
            return "no fork";
        }

        AddressSpace forked;
        try
        {
            forked = AddressSpaces[space].Fork(NextName());
        }
        catch (PasidException exception)
        {
            return $"fork {space}: {exception.Status}";
        }

        AddressSpaces[child].Exit();
        AddressSpaces[child] = forked;
        return $"fork {space} {child}";
    }

    private string Allocate(int detail)
    {
        bool isAllocated = _host.Allocator.TryAllocate(new IoasidRange((uint)detail % 8, 13), _owners[detail % 3], detail % 2 == 0 ? "data" : null, out Ioasid id);
        return $"allocate {isAllocated} {id}";
    }

    /// <summary>The binder's own PASIDs are not freed behind its back.</summary>
    private bool IsOthers(Ioasid id) =>
        _host.Allocator.Lookup(id, out object? data) == PasidStatus.Success && data is string;
}

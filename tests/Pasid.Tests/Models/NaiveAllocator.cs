using System.Globalization;
using Pasid.Tests.Support;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Models;

/// <summary>The naive allocator with the kernel's rules of custom allocators around it, answering the steps of a scenario.</summary>
internal sealed class NaiveAllocator : IReplay
{
    private readonly Dictionary<string, IoasidSet> _sets = [];
    private readonly Dictionary<string, ICustomIoasidFunctions> _functions;
    private readonly IReadOnlyDictionary<string, string> _functionsOf;
    private readonly NaiveIoasidAllocator _default;
    private readonly List<Group> _groups = [];

    public NaiveAllocator(AllocatorScenario scenario)
    {
        _functions = scenario.CustomAllocators.Strategies.ToDictionary(pair => pair.Key, pair => Strategies.Create(pair.Value));
        _functionsOf = scenario.CustomAllocators.Functions;
        _default = new NaiveIoasidAllocator(scenario.ReusePolicy);
    }

    private Group? Active => _groups.FirstOrDefault();

    private NaiveIoasidAllocator Table => Active?.Table ?? _default;

    public IReadOnlyList<Answer> Apply(Step step)
    {
        string? ret = step switch
        {
            AllocateStep s => Allocate(s).ToString(CultureInfo.InvariantCulture),
            FreeStep s => Free(s.Id),
            GetStep s => Table.AddReference(s.Id) == PasidStatus.Success ? "0" : "\"warn\"",
            PutStep s => Put(s.Id) ? "true" : "false",
            SetDataStep s => ((int)Table.SetData(s.Id, s.Data)).ToString(CultureInfo.InvariantCulture),
            FindStep s => Find(s),
            RegisterStep s => Register(s.CustomAllocator).ToString(CultureInfo.InvariantCulture),
            UnregisterStep s => Unregister(s.CustomAllocator),
            LiveStep => Canonical.Numbers(Table.LiveIds().Select(id => (long)id.Value)),
            _ => throw new ArgumentException(step.Info.Op, nameof(step)),
        };
        return ret is null ? [] : [new Answer("ret", ret)];
    }

    public void Dispose()
    {
    }

    private uint Allocate(AllocateStep step)
    {
        IoasidSet? ioasidSet = Set(step.Set);
        if (Active is not { } group)
        {
            _default.TryAllocate(step.Range, ioasidSet, step.Data, out Ioasid given);
            return given.Value;
        }

        Ioasid chosen = _functions[group.Functions].Allocate(step.Range, privateData: null);
        if (!chosen.IsValid)
        {
            return uint.MaxValue;
        }

        if (!group.Table.TryAllocate(new IoasidRange(chosen.Value, chosen.Value), ioasidSet, step.Data, out _))
        {
            _functions[group.Functions].Free(chosen, privateData: null);
            return uint.MaxValue;
        }

        return chosen.Value;
    }

    private string? Free(Ioasid id)
    {
        if (Table.Free(id) == PasidStatus.Success)
        {
            HandBack(id);
        }

        return null;
    }

    private bool Put(Ioasid id)
    {
        bool isFreed = Table.DropReference(id) == IoasidRelease.Freed;
        if (isFreed)
        {
            HandBack(id);
        }

        return isFreed;
    }

    private void HandBack(Ioasid id)
    {
        if (Active is { } group)
        {
            _functions[group.Functions].Free(id, privateData: null);
        }
    }

    private string Find(FindStep step)
    {
        PasidStatus status = Table.Lookup(step.Id, Set(step.Set), step.Getter is { } getter ? _ => getter : null, out object? data);
        return status == PasidStatus.Success ? Canonical.Data((string?)data) : Canonical.Error((long)status);
    }

    private int Register(string name)
    {
        if (_groups.Count == 0 && _default.LiveCount != 0)
        {
            return (int)PasidStatus.TryAgain;
        }

        if (_groups.Exists(group => group.Founder == name || group.Members.Contains(name)))
        {
            return (int)PasidStatus.AlreadyExists;
        }

        if (_groups.Find(group => group.Functions == _functionsOf[name]) is { } joined)
        {
            joined.Members.Add(name);
            return 0;
        }

        _groups.Add(new Group(name, _functionsOf[name]));
        return 0;
    }

    private string? Unregister(string name)
    {
        if (_groups.Find(group => group.Functions == _functionsOf[name]) is { } group)
        {
            if (group.Members.Count == 1)
            {
                _groups.Remove(group);
            }
            else
            {
                group.Members.Remove(name);
            }
        }

        return null;
    }

    private IoasidSet? Set(string? name)
    {
        if (name is null)
        {
            return null;
        }

        return _sets.TryGetValue(name, out IoasidSet? known) ? known : _sets[name] = new IoasidSet(name);
    }

    private sealed class Group(string founder, string functions)
    {
        public string Founder { get; } = founder;

        public string Functions { get; } = functions;

        public List<string> Members { get; } = [founder];

        public NaiveIoasidAllocator Table { get; } = new();
    }
}

using System.Globalization;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <summary>Applies steps to an allocator.</summary>
internal sealed class AllocatorReplay : IReplay
{
    private readonly Dictionary<string, IoasidSet> _sets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, CustomIoasidAllocator> _customAllocators = new(StringComparer.Ordinal);

    public AllocatorReplay(AllocatorScenario scenario)
    {
        Allocator = new IoasidAllocator(scenario.ReusePolicy);
        Dictionary<string, ICustomIoasidFunctions> functions = scenario.CustomAllocators.Strategies
            .ToDictionary(pair => pair.Key, pair => Strategies.Create(pair.Value), StringComparer.Ordinal);
        foreach ((string name, string pair) in scenario.CustomAllocators.Functions)
        {
            _customAllocators.Add(name, new CustomIoasidAllocator(name, functions[pair]));
        }
    }

    public IoasidAllocator Allocator { get; }

    public IReadOnlyList<Answer> Apply(Step step)
    {
        switch (step)
        {
            case AllocateStep s:
                Allocator.TryAllocate(s.Range, Set(s.Set), s.Data, out Ioasid id);
                return Return(id.Value);
            case FreeStep s:
                Allocator.Free(s.Id);
                return [];
            case GetStep s:
                return Return(Allocator.AddReference(s.Id) == PasidStatus.Success ? "0" : "\"warn\"");
            case PutStep s:
                return Return(Allocator.DropReference(s.Id) == IoasidRelease.Freed ? "true" : "false");
            case SetDataStep s:
                return Return((long)Allocator.SetData(s.Id, s.Data));
            case FindStep s:
                return Return(Find(s));
            case RegisterStep s:
                return Return((long)Allocator.Register(_customAllocators[s.CustomAllocator]));
            case UnregisterStep s:
                Allocator.Unregister(_customAllocators[s.CustomAllocator]);
                return [];
            case LiveStep:
                return [new Answer("ret", limit => Canonical.Numbers(Allocator.LiveIds().Select(live => (long)live.Value), limit))];
            default:
                throw new ArgumentException($"'{step.Info.Op}' is no step of an allocator.", nameof(step));
        }
    }

    public void Dispose()
    {
        // Nothing outlives the allocator.
    }

    private static Answer[] Return(long value) => Return(value.ToString(CultureInfo.InvariantCulture));

    private static Answer[] Return(string text) => [new Answer("ret", text)];

    private string Find(FindStep step)
    {
        Func<object?, bool>? predicate = step.Getter is { } getter ? _ => getter : null;
        PasidStatus status = Allocator.Lookup(step.Id, Set(step.Set), predicate, out object? data);
        return status == PasidStatus.Success ? Canonical.Data((string?)data) : Canonical.Error((long)status);
    }

    private IoasidSet? Set(string? name)
    {
        if (name is null)
        {
            return null;
        }

        if (!_sets.TryGetValue(name, out IoasidSet? ioasidSet))
        {
            _sets.Add(name, ioasidSet = new IoasidSet(name));
        }

        return ioasidSet;
    }
}

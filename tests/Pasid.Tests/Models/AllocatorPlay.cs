using System.Globalization;
using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Models;

/// <summary>Plays a scenario on any allocator and answers all that its methods do, of which the kernel's answers are a part.</summary>
internal sealed class AllocatorPlay(AllocatorScenario scenario, IIoasidAllocator allocator) : IReplay
{
    private readonly Dictionary<string, IoasidSet> _sets = [];
    private readonly Dictionary<string, CustomIoasidAllocator> _custom = Custom(scenario);
    private readonly ICustomIoasidRegistry _registry = (ICustomIoasidRegistry)allocator;

    public IReadOnlyList<IntegrityFinding> CheckIntegrity() => (allocator as IoasidAllocator)?.CheckIntegrity() ?? [];

    public IReadOnlyList<Answer> Apply(Step step)
    {
        string answer = step switch
        {
            AllocateStep s => $"{allocator.TryAllocate(s.Range, Set(s.Set), s.Data, out Ioasid id)} {id}",
            FreeStep s => $"{allocator.Free(s.Id)}",
            GetStep s => $"{allocator.AddReference(s.Id)}",
            PutStep s => $"{allocator.DropReference(s.Id)}",
            SetDataStep s => $"{allocator.SetData(s.Id, s.Data)}",
            FindStep s => $"{allocator.Lookup(s.Id, Set(s.Set), s.Getter is { } getter ? _ => getter : null, out object? data)} {data ?? "null"}",
            RegisterStep s => $"{_registry.Register(_custom[s.CustomAllocator])}",
            UnregisterStep s => $"{_registry.Unregister(_custom[s.CustomAllocator])}",
            LiveStep => string.Join(' ', allocator.LiveIds()),
            _ => throw new ArgumentException(step.Info.Op, nameof(step)),
        };
        return [new Answer("ret", answer), new Answer("live", allocator.LiveCount.ToString(CultureInfo.InvariantCulture))];
    }

    public void Dispose()
    {
    }

    private static Dictionary<string, CustomIoasidAllocator> Custom(AllocatorScenario scenario)
    {
        var functions = scenario.CustomAllocators.Strategies.ToDictionary(pair => pair.Key, pair => Strategies.Create(pair.Value));
        return scenario.CustomAllocators.Functions.ToDictionary(pair => pair.Key, pair => new CustomIoasidAllocator(pair.Key, functions[pair.Value]));
    }

    private IoasidSet? Set(string? name)
    {
        if (name is null)
        {
            return null;
        }

        return _sets.TryGetValue(name, out IoasidSet? known) ? known : _sets[name] = new IoasidSet(name);
    }
}

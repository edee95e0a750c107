using System.Globalization;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <summary>A work queue of a simulated device, which takes commands until it is full.</summary>
internal class WorkQueue : IEnqcmdPortal
{
    private readonly TopologyWorkQueue _topology;
    private int _count;

    private protected WorkQueue(TopologyWorkQueue topology) => _topology = topology;

    public string Name => _topology.Name;

    /// <summary>Gets or sets what was written last, as scenarios show it; <see langword="null"/> for nothing.</summary>
    public string? Last { get; protected set; }

    public static WorkQueue Make(TopologyWorkQueue topology) => topology.IsShared ? new WorkQueue(topology) : new DedicatedWorkQueue(topology);

    public bool Submit(in EnqcmdCommand command)
    {
        Last = $"pasid={command.Pasid} priv={(command.IsPrivileged ? 1 : 0)}";
        return _topology.IsShared && TryTake();
    }

    /// <summary>Ends the work on all commands.</summary>
    public void Complete() => _count = 0;

    protected bool TryTake()
    {
        if (_count == _topology.Capacity)
        {
            return false;
        }

        _count++;
        return true;
    }
}

/// <summary>A work queue that takes what MOVDIR64B writes and nothing else, and works with the PASID that it is configured with.</summary>
internal sealed class DedicatedWorkQueue(TopologyWorkQueue topology) : WorkQueue(topology), IDedicatedPortal
{
    public Ioasid Pasid { get; set; } = Ioasid.Invalid;

    public void Write(in EnqcmdCommand command) =>
        Last = TryTake() ? string.Create(CultureInfo.InvariantCulture, $"pasid={command.Pasid}") : "dropped";
}

using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <summary>A work queue of a simulated device, which takes commands until it is full.</summary>
internal sealed class WorkQueue(TopologyWorkQueue topology) : IEnqcmdPortal
{
    private int _count;

    public string Name => topology.Name;

    public bool IsShared => topology.IsShared;

    /// <summary>Gets or sets the PASID that a dedicated queue works with.</summary>
    public Ioasid Configured { get; set; } = Ioasid.Invalid;

    /// <summary>Gets the command that was written last, as PASID and privilege; <see langword="null"/> for none.</summary>
    public string? Last { get; private set; }

    public bool Submit(in EnqcmdCommand command)
    {
        Last = $"pasid={command.Pasid} priv={(command.IsPrivileged ? 1 : 0)}";
        return Take();
    }

    /// <summary>Takes a command of MOVDIR64B, which tells the program nothing.</summary>
    public bool Take()
    {
        if (_count == topology.Capacity)
        {
            return false;
        }

        _count++;
        return true;
    }

    /// <summary>Ends the work on all commands.</summary>
    public void Complete() => _count = 0;
}

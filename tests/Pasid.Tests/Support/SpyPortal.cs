namespace Pasid.Tests.Support;

/// <summary>The portal of a shared work queue that keeps what it gets.</summary>
internal sealed class SpyPortal : IEnqcmdPortal
{
    public string Name => "portal";

    public List<EnqcmdCommand> Commands { get; } = [];

    public bool IsFull { get; set; }

    /// <summary>Gets or sets what to do first of all.</summary>
    public Action? Inside { get; set; }

    public bool Submit(in EnqcmdCommand command)
    {
        Inside?.Invoke();
        if (!IsFull)
        {
            Commands.Add(command);
        }

        return !IsFull;
    }
}

/// <summary>The portal of a dedicated work queue that keeps what it gets.</summary>
internal sealed class SpyDedicatedPortal : IDedicatedPortal
{
    public string Name => "dedicated";

    public List<EnqcmdCommand> Commands { get; } = [];

    public Ioasid Pasid { get; set; } = Ioasid.Invalid;

    /// <summary>Gets or sets what to do first of all.</summary>
    public Action? Inside { get; set; }

    public void Write(in EnqcmdCommand command)
    {
        Inside?.Invoke();
        Commands.Add(command);
    }
}

namespace Pasid.Internal;

/// <summary>Whose portals a <see cref="PortalMap"/> has.</summary>
internal interface IPortalOwner
{
    /// <summary>Gets a value indicating whether the process has exited, and maps nothing any more.</summary>
    bool HasExited { get; }

    /// <summary>Gets the processors of the host.</summary>
    Cpu Cpu { get; }
}

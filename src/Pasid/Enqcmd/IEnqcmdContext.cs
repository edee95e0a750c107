namespace Pasid.Internal;

/// <summary>What an ENQCMD or ENQCMDS sees of the thread that executes it.</summary>
internal interface IEnqcmdContext
{
    /// <summary>Gets what is in the IA32_PASID register.</summary>
    PasidMsr Msr { get; }

    /// <summary>Gets the PASID of the process.</summary>
    Ioasid Pasid { get; }

    /// <summary>Gets the portals that the process has mapped; another object after an exec.</summary>
    PortalMap Portals { get; }

    /// <summary>Loads the register.</summary>
    void Load(PasidMsr msr);
}

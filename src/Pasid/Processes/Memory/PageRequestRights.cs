namespace Pasid;

/// <summary>Says what a device wants to do with a page. The bits are those that the kernel gives to device callbacks.</summary>
/// <remarks>Immutable; safe for concurrent use. Models the <c>rwxp</c> argument of <c>fault_cb</c>.</remarks>
[Flags]
public enum PageRequestRights
{
    /// <summary>Nothing in particular, which every region allows.</summary>
    None = 0,

    /// <summary>With supervisor privilege.</summary>
    Privileged = 1,

    /// <summary>Execute.</summary>
    Execute = 2,

    /// <summary>Write.</summary>
    Write = 4,

    /// <summary>Read.</summary>
    Read = 8,
}

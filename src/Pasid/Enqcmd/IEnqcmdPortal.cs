namespace Pasid;

/// <summary>The side of a device that programs write commands to: a page of its shared work queue. <see cref="IDedicatedPortal"/> is
/// that of a dedicated one.</summary>
/// <remarks>
/// <para>Called outside all gates, on the thread that executes the instruction, and so from several at once: an implementation must
/// be safe for concurrent use. It may call the library. The process has a user more meanwhile: if it exits, that is carried out once
/// the portal has answered.</para>
/// <para>Models a portal of <c>drivers/dma/idxd</c> in a shared work queue.</para>
/// </remarks>
public interface IEnqcmdPortal
{
    /// <summary>Gets what the portal is called in messages and snapshots.</summary>
    /// <value>Never <see langword="null"/>.</value>
    string Name { get; }

    /// <summary>Gets the portals of the process that opened this one: no other may map it.</summary>
    /// <value>By default <see langword="null"/>: each process that maps it has opened it for itself. The same object always.</value>
    /// <remarks>Models the <c>mm</c> that an open file of <c>idxd_cdev</c> belongs to: who got the file from its parent maps nothing.</remarks>
    PortalMap? Opener => null;

    /// <summary>Takes a command, or not.</summary>
    /// <param name="command">The command, with the PASID of who wrote it.</param>
    /// <returns><see langword="true"/> if it was taken; <see langword="false"/> if the program has to try again.</returns>
    bool Submit(in EnqcmdCommand command);
}

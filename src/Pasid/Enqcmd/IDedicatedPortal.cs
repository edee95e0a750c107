using System.Diagnostics.CodeAnalysis;

namespace Pasid;

/// <summary>The portal of a dedicated work queue, which one process writes to with MOVDIR64B: the PASID is not in the command, but was
/// programmed into the queue by the driver.</summary>
/// <remarks>
/// <para>Called outside all gates, on the thread that executes the instruction, and so from several at once: an implementation must
/// be safe for concurrent use. It may call the library.</para>
/// <para>Models a portal of <c>drivers/dma/idxd</c> in a dedicated work queue, and <c>idxd_wq_set_pasid</c>.</para>
/// </remarks>
public interface IDedicatedPortal : IEnqcmdPortal
{
    /// <summary>Gets the PASID that the driver has programmed the queue with.</summary>
    /// <value>Below 1048576; <see cref="Ioasid.Invalid"/> for none, and then what is written is dropped.</value>
    Ioasid Pasid { get; }

    /// <summary>Takes what a program has written; the program is not told what becomes of it.</summary>
    /// <param name="command">The bytes, of which the first four are <see cref="Pasid"/>.</param>
    void Write(in EnqcmdCommand command);

    /// <summary>Refuses the command of ENQCMD or ENQCMDS.</summary>
    /// <param name="command">The command.</param>
    /// <returns>By default <see langword="false"/>: a dedicated work queue takes what MOVDIR64B writes, and nothing else.</returns>
    [SuppressMessage("Design", "CA1033:Interface methods should be callable by child types", Justification = "Who implements the interface may implement the member of its base.")]
    bool IEnqcmdPortal.Submit(in EnqcmdCommand command) => false;
}

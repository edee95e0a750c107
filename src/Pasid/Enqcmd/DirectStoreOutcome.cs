namespace Pasid;

/// <summary>Says how MOVDIR64B ended. What is not <see cref="Written"/> has reached no device; of the first two the program is told nothing.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum DirectStoreOutcome
{
    /// <summary>The portal of a dedicated work queue was given the bytes; whether it took them is not told.</summary>
    Written = 0,

    /// <summary>The bytes reached no device: memory took them, or the portal of a shared work queue, or of a dedicated one that is not
    /// programmed, dropped them.</summary>
    Dropped = 1,

    /// <summary>The destination is not aligned, or not canonical: #GP, the thread gets SIGSEGV.</summary>
    GeneralProtection = 2,

    /// <summary>The process has neither a portal nor memory that it may write to at the destination: #PF, the thread gets SIGSEGV.</summary>
    PageFault = 3,
}

namespace Pasid;

/// <summary>Names the registers of a page request queue.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum PageRequestRegister
{
    /// <summary>Where the next request is taken out, in bytes from the begin of the queue (<c>DMAR_PQH_REG</c>).</summary>
    Head = 0,

    /// <summary>Where the next request is put in, in bytes from the begin of the queue (<c>DMAR_PQT_REG</c>).</summary>
    Tail = 1,

    /// <summary>What the queue has to say: bit 0 that requests came, bit 1 that one was lost, both cleared by writing a 1
    /// (<c>DMAR_PRS_REG</c>).</summary>
    Status = 2,
}

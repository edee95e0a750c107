namespace Pasid;

/// <summary>Says what became of an access to an address space. All but the first are answered alike.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
public enum FaultOutcome
{
    /// <summary>The page is there.</summary>
    Handled = 0,

    /// <summary>Nothing is mapped at the address.</summary>
    NotMapped = 1,

    /// <summary>What is mapped does not allow the access.</summary>
    AccessDenied = 2,

    /// <summary>The page could not be brought in.</summary>
    Failed = 3,
}

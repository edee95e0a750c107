namespace Pasid;

/// <summary>Names what has to hold at every moment between two calls.</summary>
/// <remarks>Immutable; safe for concurrent use. The numbers are those under which kernel defects are told apart, and have gaps: the
/// invariants between are about single calls, and are tested there.</remarks>
public enum IntegrityInvariant
{
    /// <summary>No invariant.</summary>
    None = 0,

    /// <summary>I-4: no id is live twice, and the live ids are those that the allocator believes live.</summary>
    LiveIdsAgree = 4,

    /// <summary>I-5: no two address spaces have one PASID.</summary>
    PasidHasOneAddressSpace = 5,

    /// <summary>I-6: what nobody holds any more is free.</summary>
    NothingLeaks = 6,

    /// <summary>I-7: no data of an id points to a binding that is over, and nothing is half undone.</summary>
    NoStaleData = 7,

    /// <summary>I-8: references and users are counted right, and never below one while there are any.</summary>
    CountsAgree = 8,

    /// <summary>I-9: an id that a policy holds back is not live, and comes free when its time is over.</summary>
    ReuseWaits = 9,

    /// <summary>I-10: no id is free while a binding or an address space refers to it.</summary>
    HeldIdsAreLive = 10,

    /// <summary>I-11: a thread's register holds the PASID of its own process, or none.</summary>
    RegistersAreOwn = 11,

    /// <summary>I-12: what a binding leads to lives as long as the binding.</summary>
    BindingsPinAddressSpaces = 12,

    /// <summary>I-14: an address space has one shared binding, with each device once.</summary>
    BindsAreIdempotent = 14,

    /// <summary>I-18: page requests are answered as often as they have to be, and leave no user behind.</summary>
    RequestsAreAnsweredOnce = 18,
}

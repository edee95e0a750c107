namespace Pasid.SystematicTests.Support;

/// <summary>Where Coyote chooses which thread runs next: the fewer places, the sooner it comes upon a race between them.</summary>
public enum SwitchPoints
{
    /// <summary>At gates and tasks, atomic and volatile accesses.</summary>
    Synchronization,

    /// <summary>At each access to memory too, which is where a missing gate shows.</summary>
    EachAccess,
}

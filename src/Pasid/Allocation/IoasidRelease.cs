namespace Pasid;

/// <summary>Says what dropping a reference to an id led to.</summary>
/// <remarks>
/// <para>The kernel's <c>ioasid_put</c> answers <c>true</c> for <see cref="Freed"/> and <c>false</c> for both others.</para>
/// <para>Immutable; safe for concurrent use.</para>
/// </remarks>
public enum IoasidRelease
{
    /// <summary>The id was not allocated; nothing happened.</summary>
    Unknown = 0,

    /// <summary>One reference went; the id is still allocated because others remain.</summary>
    StillReferenced = 1,

    /// <summary>The last reference went and the id is free.</summary>
    Freed = 2,
}

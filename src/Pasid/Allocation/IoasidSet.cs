using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Represents an owner of ids: an identity that is recorded with an id and can be asked for at a lookup.
/// </summary>
/// <remarks>
/// <para>Two sets are the same only if they are the same object; the name is for people. A set holds no ids itself
/// and may be used with any number of allocators.</para>
/// <para>Immutable; safe for concurrent use. Models <c>struct ioasid_set</c>.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed class IoasidSet
{
    /// <summary>Makes a new owner.</summary>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    /// <remarks>Models <c>DECLARE_IOASID_SET</c>.</remarks>
    public IoasidSet(string name)
    {
        Name = Names.Check(name, nameof(name));
    }

    /// <summary>Gets what the owner is called in messages.</summary>
    /// <value>Never <see langword="null"/>; need not be unique.</value>
    public string Name { get; }

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;
}

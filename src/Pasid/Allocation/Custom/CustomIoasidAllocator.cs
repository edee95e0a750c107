using System.Diagnostics;
using Pasid.Internal;

namespace Pasid;

/// <summary>
/// Represents an allocator that can take the default one's place in an <see cref="IoasidAllocator"/>: a pair of
/// functions with private data.
/// </summary>
/// <remarks>
/// <para>Identity is the object: two custom allocators with the same functions are two members of one id space.</para>
/// <para>Immutable; safe for concurrent use. Models <c>struct ioasid_allocator_ops</c>.</para>
/// </remarks>
[DebuggerDisplay("{Name,nq}")]
public sealed class CustomIoasidAllocator
{
    /// <summary>Makes a custom allocator, which does nothing until it is registered.</summary>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="functions">The functions that choose and take back ids.</param>
    /// <param name="privateData">Handed to the functions if this one founds its id space.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> or <paramref name="functions"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> has half of a surrogate pair.</exception>
    public CustomIoasidAllocator(string name, ICustomIoasidFunctions functions, object? privateData = null)
    {
        Name = Names.Check(name, nameof(name));
        ArgumentNullException.ThrowIfNull(functions);
        Functions = functions;
        PrivateData = privateData;
    }

    /// <summary>Gets what the custom allocator is called in messages.</summary>
    /// <value>Never <see langword="null"/>; need not be unique.</value>
    public string Name { get; }

    /// <summary>Gets the functions that choose and take back ids.</summary>
    /// <value>Custom allocators with the same object here share one id space.</value>
    public ICustomIoasidFunctions Functions { get; }

    /// <summary>Gets what is handed to the functions.</summary>
    /// <value>Used only if this custom allocator founded its id space.</value>
    public object? PrivateData { get; }

    /// <summary>Returns <see cref="Name"/>.</summary>
    /// <returns>The name.</returns>
    public override string ToString() => Name;
}

namespace Pasid;

/// <summary>
/// Chooses and takes back ids in the default allocator's place: the pair of functions of a <see cref="CustomIoasidAllocator"/>.
/// </summary>
/// <remarks>
/// <para>Calls come one at a time from one <see cref="IoasidAllocator"/>, with its gate held. A function must not change
/// that allocator: such a call throws <see cref="InvalidOperationException"/>; looking ids up is allowed. It must not call a
/// binder over that allocator either: the binder's gate comes first, and two threads could wait for each other. What a function
/// throws is passed on to the caller of the allocator, and the operation has changed nothing. Functions that serve one
/// allocator are safe without locks; others must be safe for concurrent use.</para>
/// <para>Custom allocators with the same pair (the same object) share one id space. Models the <c>alloc</c> and
/// <c>free</c> members of <c>struct ioasid_allocator_ops</c>.</para>
/// </remarks>
public interface ICustomIoasidFunctions
{
    /// <summary>Chooses an id.</summary>
    /// <param name="range">From which numbers to choose, both ends included; may be empty.</param>
    /// <param name="privateData">The private data of the custom allocator that founded the id space.</param>
    /// <returns>An id of the range, or <see cref="Ioasid.Invalid"/> for none.</returns>
    Ioasid Allocate(IoasidRange range, object? privateData);

    /// <summary>Takes an id back: it was freed, or it could not be recorded.</summary>
    /// <param name="id">The id.</param>
    /// <param name="privateData">The private data of the custom allocator that founded the id space.</param>
    void Free(Ioasid id, object? privateData);
}

namespace Pasid;

/// <summary>Lets custom allocators take the default allocator's place.</summary>
/// <remarks>
/// <para>Custom allocators with the same <see cref="CustomIoasidAllocator.Functions"/> form a group with one id space.
/// Groups queue in the order of their first registration; the one at the head is active. Ids, data, owners, references
/// and the live count are the active group's own.</para>
/// <para>All members are safe for concurrent use.</para>
/// </remarks>
public interface ICustomIoasidRegistry
{
    /// <summary>Registers a custom allocator.</summary>
    /// <param name="customAllocator">The custom allocator.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: it is active (nothing was registered before), or has joined the group with its
    /// functions, or has founded a new group at the end of the queue.
    /// <see cref="PasidStatus.TryAgain"/>: nothing was registered before and the default allocator has live ids.
    /// <see cref="PasidStatus.AlreadyExists"/>: it founded a group that still exists, even if it has left it since, or
    /// it is a member of one.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="customAllocator"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    /// <remarks>
    /// Models <c>ioasid_register_allocator</c>, with two differences where the kernel damages its own list. A member
    /// that is not the founder and registers again is answered 0 there, and the member list then loops. A founder that
    /// registers again is answered <c>-EEXIST</c>, as here, but is put on the list all the same, which ends in a use
    /// after free. Here both are answered <see cref="PasidStatus.AlreadyExists"/> and nothing changes.
    /// </remarks>
    PasidStatus Register(CustomIoasidAllocator customAllocator);

    /// <summary>Takes a custom allocator out of the group with its functions.</summary>
    /// <param name="customAllocator">The custom allocator.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: it left its group, or the group had one member left and is gone: then the
    /// group's ids are no longer known (orphans; its functions still hold them), and if it was active the next group,
    /// or the default allocator, takes over.
    /// <see cref="PasidStatus.NotFound"/>: no group has its functions, or the group has several members and it is none of them.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="customAllocator"/> is <see langword="null"/>.</exception>
    /// <exception cref="InvalidOperationException">Called from inside a function of a custom allocator.</exception>
    /// <remarks>
    /// Models <c>ioasid_unregister_allocator</c>, which looks for the functions only: a group with one member left goes
    /// whoever asked for it, member or not.
    /// </remarks>
    PasidStatus Unregister(CustomIoasidAllocator customAllocator);
}

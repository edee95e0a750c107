namespace Pasid;

/// <summary>
/// Hands out ids from inclusive ranges, lowest free one first, and keeps for each live id one data object, one
/// owner and a reference count.
/// </summary>
/// <remarks>
/// <para>All members are safe for concurrent use and take effect atomically at one moment between call and return:
/// concurrency never changes what some single sequence of the same calls could have answered.</para>
/// <para>The members are what another implementation has to provide; everyday forms are in
/// <see cref="IoasidAllocatorExtensions"/>. Models <c>drivers/iommu/ioasid.c</c>.</para>
/// </remarks>
public interface IIoasidAllocator
{
    /// <summary>Gets how many ids are live.</summary>
    /// <value>0 to 4294967295.</value>
    long LiveCount { get; }

    /// <summary>Allocates an id from <paramref name="range"/>: the lowest that is free.</summary>
    /// <param name="range">From which numbers to choose, both ends included. A reversed range fails.</param>
    /// <param name="ioasidSet">The owner to record, or <see langword="null"/> for none.</param>
    /// <param name="data">The object to keep with the id, or <see langword="null"/>.</param>
    /// <param name="id">The id, with one reference; <see cref="Ioasid.Invalid"/> on failure.</param>
    /// <returns><see langword="true"/> if an id was allocated; <see langword="false"/> if the range holds no free id.</returns>
    /// <remarks>Models <c>ioasid_alloc</c>.</remarks>
    /// <example>
    /// <code>
    /// var guests = new IoasidSet("guests");
    /// if (allocator.TryAllocate(new IoasidRange(1, 255), guests, data: vm, out Ioasid id))
    /// {
    ///     allocator.Lookup(id, guests, out object? owner); // owner is vm
    ///     allocator.Free(id);
    /// }
    /// </code>
    /// </example>
    bool TryAllocate(IoasidRange range, IoasidSet? ioasidSet, object? data, out Ioasid id);

    /// <summary>Frees an id that has no reference besides the one it was allocated with.</summary>
    /// <param name="id">The id to free.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: the id is free and its data forgotten.
    /// <see cref="PasidStatus.NotFound"/>: it was not allocated.
    /// <see cref="PasidStatus.Busy"/>: references were added and not dropped; use <see cref="DropReference"/>.
    /// </returns>
    /// <remarks>Models <c>ioasid_free</c>, which exists only in kernels without reference counts.</remarks>
    PasidStatus Free(Ioasid id);

    /// <summary>Adds a reference to a live id; each needs one <see cref="DropReference"/>.</summary>
    /// <param name="id">The id.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: one reference more.
    /// <see cref="PasidStatus.NotFound"/>: the id is not allocated (the kernel warns).
    /// <see cref="PasidStatus.Overflow"/>: the id has as many references as can be counted.
    /// </returns>
    /// <remarks>Models <c>ioasid_get</c>.</remarks>
    PasidStatus AddReference(Ioasid id);

    /// <summary>Drops a reference; with the last one the id becomes free.</summary>
    /// <param name="id">The id.</param>
    /// <returns>Whether the id was freed, is still referenced, or was unknown (then nothing happens).</returns>
    /// <remarks>Models <c>ioasid_put</c>.</remarks>
    IoasidRelease DropReference(Ioasid id);

    /// <summary>Replaces the data of a live id.</summary>
    /// <param name="id">The id.</param>
    /// <param name="data">The new data; <see langword="null"/> clears it.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: the data is replaced.
    /// <see cref="PasidStatus.NotFound"/>: the id is not allocated.
    /// </returns>
    /// <remarks>Models <c>ioasid_set_data</c>.</remarks>
    PasidStatus SetData(Ioasid id, object? data);

    /// <summary>Looks up the data of an id. Checks, in this order, that the id is live, its owner, its data.</summary>
    /// <param name="id">The id.</param>
    /// <param name="ioasidSet">The owner that the id must have; <see langword="null"/> accepts any, and an id without
    /// an owner matches no other value.</param>
    /// <param name="predicate">Asked last, also about <see langword="null"/> data; <see langword="false"/> turns
    /// <paramref name="data"/> into <see langword="null"/> but is no failure. <see langword="null"/> for no question.
    /// It runs outside any lock and may call this allocator; what it throws is passed on.</param>
    /// <param name="data">The data, which may be <see langword="null"/> on success too.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>: the id is live and owned as asked.
    /// <see cref="PasidStatus.NotFound"/>: it is not allocated.
    /// <see cref="PasidStatus.AccessDenied"/>: it has another owner, or none.
    /// </returns>
    /// <remarks>Models <c>ioasid_find</c>.</remarks>
    PasidStatus Lookup(Ioasid id, IoasidSet? ioasidSet, Func<object?, bool>? predicate, out object? data);

    /// <summary>Finds the lowest live id that is not below <paramref name="from"/>; the step of an enumeration.</summary>
    /// <param name="from">Where to begin, included.</param>
    /// <param name="id">The live id; <see cref="Ioasid.Invalid"/> if there is none.</param>
    /// <returns><see langword="true"/> if there is one.</returns>
    bool TryFindLive(Ioasid from, out Ioasid id);
}

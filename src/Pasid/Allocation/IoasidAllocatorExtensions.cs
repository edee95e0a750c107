namespace Pasid;

/// <summary>The everyday forms of <see cref="IIoasidAllocator"/>.</summary>
/// <remarks>All members are safe for concurrent use if the allocator is.</remarks>
public static class IoasidAllocatorExtensions
{
    /// <summary>Allocates the lowest free id of <paramref name="range"/>, or throws.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <param name="range">From which numbers to choose, both ends included.</param>
    /// <param name="ioasidSet">The owner to record, or <see langword="null"/> for none.</param>
    /// <param name="data">The object to keep with the id, or <see langword="null"/>.</param>
    /// <returns>The id, with one reference.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="allocator"/> is <see langword="null"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="range"/> is empty: reversed, or 4294967295 alone.</exception>
    /// <exception cref="PasidException">No id of the range is free; the status is <see cref="PasidStatus.NoSpace"/>.</exception>
    /// <exception cref="InvalidOperationException">The allocator, which is not the library's own, answered an id that is not in the range; it
    /// got the id back if it is one. What its <see cref="IIoasidAllocator.Free"/> threw then is the inner exception.</exception>
    /// <remarks>Models <c>ioasid_alloc</c>.</remarks>
    public static Ioasid Allocate(this IIoasidAllocator allocator, IoasidRange range, IoasidSet? ioasidSet = null, object? data = null)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        if (range.IsEmpty)
        {
            throw new ArgumentException($"The range {range} holds no id: give a minimum that is not above the maximum, and below {Ioasid.Invalid}.", nameof(range));
        }

        if (!allocator.TryAllocate(range, ioasidSet, data, out Ioasid id))
        {
            throw new PasidException(PasidStatus.NoSpace, $"No id of {range} is free ({allocator.LiveCount} ids are live): free one, or allocate from a wider range.");
        }

        return range.Contains(id) ? id : throw WrongAnswer(allocator, range, id);
    }

    /// <summary>Looks up the data of an id, whoever owns it.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <param name="id">The id.</param>
    /// <param name="data">The data, which may be <see langword="null"/> on success too.</param>
    /// <returns><see cref="PasidStatus.Success"/>, or <see cref="PasidStatus.NotFound"/> if the id is not allocated.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="allocator"/> is <see langword="null"/>.</exception>
    /// <remarks>Models <c>ioasid_find</c> without set and getter.</remarks>
    public static PasidStatus Lookup(this IIoasidAllocator allocator, Ioasid id, out object? data)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        return allocator.Lookup(id, ioasidSet: null, predicate: null, out data);
    }

    /// <summary>Looks up the data of an id that must have a certain owner.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <param name="id">The id.</param>
    /// <param name="ioasidSet">The owner that the id must have; <see langword="null"/> accepts any.</param>
    /// <param name="data">The data, which may be <see langword="null"/> on success too.</param>
    /// <returns>
    /// <see cref="PasidStatus.Success"/>, <see cref="PasidStatus.NotFound"/> if the id is not allocated, or
    /// <see cref="PasidStatus.AccessDenied"/> if it has another owner, or none.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="allocator"/> is <see langword="null"/>.</exception>
    /// <remarks>Models <c>ioasid_find</c> without getter.</remarks>
    public static PasidStatus Lookup(this IIoasidAllocator allocator, Ioasid id, IoasidSet? ioasidSet, out object? data)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        return allocator.Lookup(id, ioasidSet, predicate: null, out data);
    }

    /// <summary>Enumerates the live ids, ascending, without copying them and without allocating.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <returns>A view for <c>foreach</c>.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="allocator"/> is <see langword="null"/>.</exception>
    /// <remarks>
    /// Each step is atomic, the whole is not: an id that is allocated or freed while the enumeration runs is seen
    /// or not, and one that stays live throughout is seen exactly once.
    /// </remarks>
    public static LiveIoasids LiveIds(this IIoasidAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        return new LiveIoasids(allocator);
    }

    /// <summary>Gives an id back that should not have been answered, and says whose fault it is.</summary>
    private static InvalidOperationException WrongAnswer(IIoasidAllocator allocator, IoasidRange range, Ioasid id)
    {
        Exception? failure = null;
        try
        {
            if (id.IsValid)
            {
                allocator.Free(id);
            }
        }
#pragma warning disable CA1031 // What the allocator answered first is its fault too, and the one to tell of.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            failure = exception;
        }

        return new InvalidOperationException(
            $"The allocator {allocator.GetType()} said that it allocated {(id.IsValid ? $"id {id}" : "the invalid id")} from {range}: it has to answer an id of the range, or false.",
            failure);
    }
}

using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace Pasid;

/// <summary>A view of the live ids of an allocator, ascending; see <see cref="IoasidAllocatorExtensions.LiveIds"/>.</summary>
/// <remarks>
/// <para>The view holds no ids: each enumeration asks the allocator anew. <c>default(LiveIoasids)</c> is empty.</para>
/// <para>The view is immutable and safe for concurrent use; an enumerator is not thread-safe: confine it to one thread.</para>
/// </remarks>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "A struct view, not a collection class; the plural says what it yields.")]
[SuppressMessage("Performance", "CA1815:Override equals and operator equals on value types", Justification = "Views are enumerated, never compared.")]
public readonly struct LiveIoasids : IEnumerable<Ioasid>
{
    private readonly IIoasidAllocator? _allocator;

    internal LiveIoasids(IIoasidAllocator allocator) => _allocator = allocator;

    /// <summary>Begins an enumeration.</summary>
    /// <returns>An enumerator that allocates nothing.</returns>
    public Enumerator GetEnumerator() => new(_allocator);

    IEnumerator<Ioasid> IEnumerable<Ioasid>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Walks the live ids of an allocator, ascending.</summary>
    /// <remarks>Not thread-safe; confine it to one thread.</remarks>
    [SuppressMessage("Performance", "CA1815:Override equals and operator equals on value types", Justification = "Enumerators are never compared.")]
    public struct Enumerator : IEnumerator<Ioasid>
    {
        private readonly IIoasidAllocator? _allocator;
        private uint _from;

        internal Enumerator(IIoasidAllocator? allocator)
        {
            _allocator = allocator;
            Current = Ioasid.Invalid;
        }

        /// <summary>Gets the id that the last step reached.</summary>
        /// <value><see cref="Ioasid.Invalid"/> before the first step and after the last.</value>
        public Ioasid Current { get; private set; }

        readonly object IEnumerator.Current => Current;

        /// <summary>Goes on to the next live id.</summary>
        /// <returns><see langword="false"/> if there is none above the current one.</returns>
        /// <exception cref="InvalidOperationException">The allocator, which is not the library's own, answered an id below the one that
        /// was asked for, or the invalid one: the walk would never end.</exception>
        public bool MoveNext()
        {
            if (_allocator is null || !_allocator.TryFindLive(new Ioasid(_from), out Ioasid id))
            {
                Current = Ioasid.Invalid;
                return false;
            }

            if (id.Value < _from || !id.IsValid)
            {
                throw new InvalidOperationException($"The allocator {_allocator.GetType()} found the live id {id} from {_from} on: it has to answer an id that is not below, or false.");
            }

            Current = id;
            _from = id.Value + 1;
            return true;
        }

        /// <summary>Goes back to before the lowest id.</summary>
        public void Reset()
        {
            _from = 0;
            Current = Ioasid.Invalid;
        }

        /// <summary>Does nothing; there is nothing to release.</summary>
        public readonly void Dispose()
        {
        }
    }
}

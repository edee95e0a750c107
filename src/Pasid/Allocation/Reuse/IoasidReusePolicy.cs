using System.Globalization;

namespace Pasid;

/// <summary>
/// Says which free id of a range an <see cref="IoasidAllocator"/> gives, and so how soon a freed one comes back. Who still
/// holds a freed id (a device with a request under way, a driver with a stale number) reaches its next owner with it: the
/// longer it stays away, the likelier such a defect shows as an unknown id.
/// </summary>
/// <remarks>
/// <para>Immutable; safe for concurrent use. Policies are equal if they say the same.</para>
/// <para>No kernel allocator of ioasids has any but <see cref="LowestFirst"/>. A policy concerns the allocator's own choice:
/// custom allocators choose as they please.</para>
/// </remarks>
public sealed record IoasidReusePolicy
{
    private IoasidReusePolicy(IoasidReuseOrder order, int frees = 0, QuarantineExhaustion exhaustion = default)
    {
        Order = order;
        Frees = frees;
        Exhaustion = exhaustion;
    }

    /// <summary>Gets the policy of the kernel: the lowest free id, and so often the one that was freed last.</summary>
    /// <value>The default.</value>
    /// <remarks>Models <c>ioasid_alloc</c>.</remarks>
    public static IoasidReusePolicy LowestFirst { get; } = new(IoasidReuseOrder.LowestFirst);

    /// <summary>Gets the policy that gives the lowest free id above the one that was given last; when there is none in the
    /// range, the lowest of the range.</summary>
    /// <value>One cursor for the whole allocator, whatever the ranges.</value>
    /// <remarks>Models <c>idr_alloc_cyclic</c>, which other PASID allocators of the kernel use.</remarks>
    public static IoasidReusePolicy Cyclic { get; } = new(IoasidReuseOrder.Cyclic);

    /// <summary>Gets which free id is given.</summary>
    /// <value>Decides whether the other properties mean anything.</value>
    public IoasidReuseOrder Order { get; }

    /// <summary>Gets how many other frees an id is held back for after its own.</summary>
    /// <value>1 to 1048576 for a quarantine; 0 otherwise.</value>
    public int Frees { get; }

    /// <summary>Gets what happens when a range has no free id besides those held back.</summary>
    /// <value><see cref="QuarantineExhaustion.Fail"/> where there is no quarantine.</value>
    public QuarantineExhaustion Exhaustion { get; }

    /// <summary>Makes the policy that holds each freed id back until <paramref name="frees"/> others were freed after it, and
    /// gives the lowest id that is neither live nor held back.</summary>
    /// <param name="frees">For how many frees, 1 to 1048576.</param>
    /// <param name="exhaustion">What happens when a range has no free id besides those held back.</param>
    /// <returns>The policy.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="frees"/> is not 1 to 1048576, or <paramref name="exhaustion"/>
    /// is not defined.</exception>
    /// <remarks>
    /// Ids that are held back are not live, and look-ups do not find them. An allocator keeps 4 bytes for each, and the pages
    /// of their records.
    /// </remarks>
    /// <example>
    /// <code>
    /// var allocator = new IoasidAllocator(IoasidReusePolicy.Quarantine(64));
    /// </code>
    /// </example>
    public static IoasidReusePolicy Quarantine(int frees, QuarantineExhaustion exhaustion = QuarantineExhaustion.Fail)
    {
        if (frees is < 1 or > IoasidRange.PasidLimit)
        {
            throw new ArgumentOutOfRangeException(nameof(frees), frees, $"An id can be held back for 1 to {IoasidRange.PasidLimit} frees.");
        }

        if (!Enum.IsDefined(exhaustion))
        {
            throw new ArgumentOutOfRangeException(nameof(exhaustion), exhaustion, $"Give a value of {nameof(QuarantineExhaustion)}.");
        }

        return new IoasidReusePolicy(IoasidReuseOrder.Quarantine, frees, exhaustion);
    }

    /// <summary>Returns the policy in words, for example <c>Quarantine(64, Fail)</c>.</summary>
    /// <returns>One line.</returns>
    public override string ToString() => Order == IoasidReuseOrder.Quarantine
        ? string.Create(CultureInfo.InvariantCulture, $"{Order}({Frees}, {Exhaustion})")
        : Order.ToString();
}

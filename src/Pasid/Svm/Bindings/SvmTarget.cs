namespace Pasid.Internal;

/// <summary>
/// What a lookup of a PASID reads of its binding, without the gate. A base class, because its fields then lie together at
/// the begin of the object: a lookup touches one cache line of it and not two.
/// </summary>
internal abstract class SvmTarget(BindingEngine engine, AddressSpace? addressSpace) : Notifier(addressSpace)
{
    /// <summary>The engine while lookups see the binding, so that one comparison tells both; <see langword="null"/> otherwise.</summary>
    private volatile BindingEngine? _publishedIn;

    private volatile PasidStatus _status = PasidStatus.NotFound;

    /// <summary>Gets the engine that made the record; another one may use the same allocator. Immutable.</summary>
    public BindingEngine Engine { get; } = engine;

    /// <summary>Gets what a lookup of the PASID answers: success only from the end of the bind to the begin of the
    /// release, so that nobody sees a bind that is under way or over.</summary>
    public PasidStatus Status => _status;

    public bool IsPublishedIn(BindingEngine engine) => ReferenceEquals(_publishedIn, engine);

    /// <summary>Lets lookups see the binding; the last step of a bind.</summary>
    public void Publish()
    {
        // In this order, so that who finds the status a success finds the engine too, and never has to wait for it.
        _publishedIn = Engine;
        _status = PasidStatus.Success;
    }

    /// <summary>Hides the binding from lookups. They can still come across it: one that began before, or any under
    /// <see cref="KernelQuirks.FailedRebindLeavesData"/>.</summary>
    /// <param name="status">What they answer from now on.</param>
    public void Release(PasidStatus status)
    {
        _status = status;
        _publishedIn = null;
    }
}

namespace Pasid.Internal;

/// <summary>Finds what page requests are for: the bindings of the host.</summary>
internal interface IRequestTargets
{
    /// <summary>Finds what a PASID is bound to, without the gate of the host.</summary>
    /// <returns><see langword="null"/> if it is bound to nothing.</returns>
    IRequestTarget? Find(Ioasid pasid);
}

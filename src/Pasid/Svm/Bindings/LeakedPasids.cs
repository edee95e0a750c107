namespace Pasid.Internal;

/// <summary>The PASIDs that a quirk kept from being freed, in the order of their loss; one that is lost twice is one loss. Guarded by
/// the binder's gate.</summary>
internal sealed class LeakedPasids
{
    private readonly List<Ioasid> _pasids = [];
    private readonly HashSet<Ioasid> _known = [];

    public int Count => _pasids.Count;

    public IReadOnlyList<Ioasid> InOrder => _pasids;

    public bool Add(Ioasid pasid)
    {
        if (!_known.Add(pasid))
        {
            return false;
        }

        _pasids.Add(pasid);
        return true;
    }
}

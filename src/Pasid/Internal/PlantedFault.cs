namespace Pasid.Internal;

/// <summary>A fault that a mend keeps away; see <see cref="Planted"/>.</summary>
internal enum PlantedFault
{
    None,

    /// <summary>The words of a page that was replaced stay, so that a lookup believes them and compares its owners with those of now.</summary>
    ReplacedPagesStay,
}

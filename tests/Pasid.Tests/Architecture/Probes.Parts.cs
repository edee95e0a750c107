namespace Pasid.Tests.Architecture;

internal sealed partial class ProbeOfParts
{
    internal enum Kind
    {
        None,
    }
}

namespace Pasid.SystematicTests.Support;

/// <summary>Functions of custom allocators that choose the same id each time.</summary>
/// <param name="id">The id; <see langword="null"/> for the lowest of each range.</param>
internal sealed class Chooser(uint? id = null) : ICustomIoasidFunctions
{
    public Ioasid Allocate(IoasidRange range, object? privateData) => new(id ?? range.Minimum);

    public void Free(Ioasid id, object? privateData)
    {
    }
}

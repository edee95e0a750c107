namespace Pasid.Internal;

/// <summary>Takes answers and does nothing with them.</summary>
internal sealed class NoPageResponder : IPageResponder
{
    public void Respond(in PageResponse response)
    {
    }
}

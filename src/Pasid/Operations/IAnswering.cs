namespace Pasid.Internal;

/// <summary>Those who answer requests over a host: none of them may be inside an answer when it enters the gate.</summary>
internal interface IAnswering
{
    /// <summary>Gets a value indicating whether this thread is answering a request.</summary>
    bool IsOnThisThread { get; }
}

using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Replay;

/// <summary>Applies the steps of a scenario, in order, to one instance.</summary>
internal interface IReplay : IDisposable
{
    /// <summary>Applies the next step.</summary>
    /// <returns>All that it answered.</returns>
    IReadOnlyList<Answer> Apply(Step step);
}

namespace Pasid.SystematicTests.Support;

/// <summary>How Coyote chooses which thread runs next.</summary>
public enum Strategy
{
    /// <summary>Any, at each step.</summary>
    Random,

    /// <summary>The one of the highest priority; priorities change ten times at most.</summary>
    Prioritization,

    /// <summary>The one that ran, delayed ten times at most.</summary>
    DelayBounding,
}

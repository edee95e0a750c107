namespace Pasid.Tool.Scenarios;

/// <summary>One thing that a step answers, as compact JSON, so that what is expected and what came can be compared and printed.</summary>
/// <param name="Key">The key of the format; parts of <c>state</c> have keys of their own, such as <c>state.live</c>.</param>
/// <param name="Text">The value.</param>
internal sealed record Answer(string Key, string Text);

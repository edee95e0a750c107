namespace Pasid.Tool.Replay;

/// <summary>An answer that is not the expected one.</summary>
internal sealed record Difference(int Line, string Op, string Key, string Expected, string Actual);

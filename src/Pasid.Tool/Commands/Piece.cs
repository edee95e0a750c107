namespace Pasid.Tool.Commands;

/// <summary>A part of a line.</summary>
/// <param name="Text">What it says.</param>
/// <param name="Style">How a terminal shows it, such as <c>bold</c> or <c>red</c>; <see langword="null"/> for plain.</param>
internal readonly record struct Piece(string Text, string? Style = null);

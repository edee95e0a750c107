namespace Pasid.Tool.Scenarios;

/// <summary>The custom allocators of an allocator scenario.</summary>
/// <param name="Strategies">The strategy of each pair of functions, by its name.</param>
/// <param name="Functions">The pair of functions of each custom allocator, by its name.</param>
internal sealed record CustomAllocators(
    IReadOnlyDictionary<string, string> Strategies,
    IReadOnlyDictionary<string, string> Functions);

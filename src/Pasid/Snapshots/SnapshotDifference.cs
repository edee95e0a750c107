using System.Collections;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Pasid.Internal;

/// <summary>Compares two snapshots by what the generated metadata says is in a file, so that no property can be left out.</summary>
internal static class SnapshotDifference
{
    /// <summary>Of a longer value the begin is told: one may be a queue with all its requests.</summary>
    private const int LongestValue = 200;

    public static string? Find(SnapshotFile first, SnapshotFile second) => FindInEntry(first, second, SnapshotJson.Default.SnapshotFile);

    private static string? FindInEntry(object first, object second, JsonTypeInfo type)
    {
        // A count follows from what is counted, which tells more.
        foreach (JsonPropertyInfo property in type.Properties.OrderBy(property => property.Name.EndsWith("Count", StringComparison.Ordinal)))
        {
            if (property.Get is { } get && Find(get(first), get(second), property.PropertyType) is { } difference)
            {
                return property.Name + difference;
            }
        }

        return null;
    }

    /// <summary>Finds how two values differ, as what follows their name.</summary>
    private static string? Find(object? first, object? second, Type declared)
    {
        if (Equals(first, second))
        {
            return null;
        }

        JsonTypeInfo type = SnapshotJson.Default.GetTypeInfo(declared)!;
        return (first, second, type.Kind) switch
        {
            (not null, not null, JsonTypeInfoKind.Object) => FindInEntry(first, second, type) is { } difference ? $"{Identify(first, type)}: {difference}" : null,
            (not null, not null, JsonTypeInfoKind.Enumerable) =>
                FindInList([.. ((IEnumerable)first).Cast<object?>()], [.. ((IEnumerable)second).Cast<object?>()], declared.GenericTypeArguments[0]),
            _ => $" is {Show(first, declared)} in the first and {Show(second, declared)} in the second",
        };
    }

    private static string? FindInList(object?[] first, object?[] second, Type item)
    {
        for (int i = 0; i < Math.Max(first.Length, second.Length); i++)
        {
            string? difference = i >= first.Length ? $" is missing in the first and {Show(second[i], item)} in the second"
                : i >= second.Length ? $" is {Show(first[i], item)} in the first and missing in the second"
                : Find(first[i], second[i], item);
            if (difference is not null)
            {
                return $"[{i}]{difference}";
            }
        }

        return null;
    }

    /// <summary>The first property of an entry says which one it is, unless it is a list.</summary>
    private static string Identify(object entry, JsonTypeInfo type) =>
        type.Properties[0] is var property && property.Get!(entry) is var value and not IList ? $" ({property.Name} {Show(value, property.PropertyType)})" : string.Empty;

    private static string Show(object? value, Type declared)
    {
        string text = JsonSerializer.Serialize(value, SnapshotJson.Default.GetTypeInfo(declared)!);
        return text.Length <= LongestValue ? text : $"{text.AsSpan(0, LongestValue)}...";
    }
}

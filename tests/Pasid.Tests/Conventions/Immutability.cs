using System.Collections;
using System.Collections.Immutable;
using System.Reflection;

namespace Pasid.Tests.Conventions;

/// <summary>
/// Looks for what could change in a value that is never replaced: walks all that it reaches. An object is immutable if all its
/// fields are set by its constructor alone and hold what is immutable; an array is only if it is empty.
/// </summary>
internal static class Immutability
{
    /// <summary>Finds what could change; <see langword="null"/> if nothing could.</summary>
    public static string? FindChange(object? value) => FindChange(value, new HashSet<object>(ReferenceEqualityComparer.Instance));

    private static string? FindChange(object? value, HashSet<object> seen)
    {
        if (value is null or string or Type or decimal || value.GetType() is { IsPrimitive: true } or { IsEnum: true } || !(value is ValueType || seen.Add(value)))
        {
            return null;
        }

        Type type = value.GetType();
        return value switch
        {
            Array { Length: 0 } => null,
            Array => $"{type.Name} has elements",
            Delegate function => FindChange(function.GetInvocationList().Select(single => single.Target), seen),
            IEnumerable elements when IsImmutableCollection(type) => FindChange(elements.Cast<object?>(), seen),
            _ when IsKeyOfState(type) => $"{type.Name} is the key of what is kept elsewhere",
            _ => Fields(type).Select(field => FindChange(field, value, seen)).FirstOrDefault(change => change is not null),
        };
    }

    private static string? FindChange(IEnumerable<object?> values, HashSet<object> seen) =>
        values.Select(value => FindChange(value, seen)).FirstOrDefault(change => change is not null);

    private static bool IsKeyOfState(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(AsyncLocal<>);

    /// <summary>The fields of a value are where the value is, so that they change only if that does.</summary>
    private static string? FindChange(FieldInfo field, object owner, HashSet<object> seen) =>
        field.IsInitOnly || owner is ValueType ? FindChange(field.GetValue(owner), seen) : $"{field.DeclaringType!.Name}.{field.Name} can be set";

    private static bool IsImmutableCollection(Type type) =>
        (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(ImmutableArray<>))
        || Bases(type).Any(at => at.Namespace == "System.Collections.Frozen" && at.Assembly == typeof(System.Collections.Frozen.FrozenSet<>).Assembly);

    private static IEnumerable<FieldInfo> Fields(Type type) =>
        Bases(type).SelectMany(at => at.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly));

    private static IEnumerable<Type> Bases(Type type)
    {
        for (Type? at = type; at is not null; at = at.BaseType)
        {
            yield return at;
        }
    }
}

#pragma warning disable CA1812, CA1822, CA1823, CA1852, CA1031, CS0169, CS0067, IDE0051, IDE0052, IDE0060 // Compiled to be read, never to run.
namespace Pasid.Tests.Architecture;

internal class Named
{
    public const int Constant = 1;
}

internal interface IProbed
{
    int Answer();
}

internal enum ProbedKind
{
    None,
}

[AttributeUsage(AttributeTargets.Class)]
internal sealed class ProbedAttribute(Type type) : Attribute
{
    public Type Type { get; } = type;
}

internal sealed class ProbedException : Exception
{
}

internal sealed class ProbedBox<T>
{
    public static readonly ProbedBox<T> Empty = new();

    public T? Content { get; init; }

    public static TOther? Of<TOther>() => default;

    internal sealed class Inner
    {
        public static int Count => 0;
    }
}

internal sealed class ProbeOfBase : Named;

internal sealed class ProbeOfInterface : IProbed
{
    int IProbed.Answer() => 0;
}

internal sealed class ProbeOfField
{
    private readonly Named? _field;
}

internal sealed class ProbeOfGenericField
{
    private readonly Dictionary<string, Named[]>? _field;
}

internal sealed class ProbeOfProperty
{
    public ProbedKind Kind { get; set; }
}

internal sealed class ProbeOfEvent
{
    public event EventHandler<Named>? Happened;
}

internal sealed class ProbeOfParameter
{
    public void Member(in ProbedBox<int>? box)
    {
    }
}

internal sealed class ProbeOfConstraint
{
    public void Member<T>()
        where T : Named
    {
    }
}

internal sealed class ProbeOfTypeConstraint<T>
    where T : Named;

internal sealed class ProbeOfBody
{
    public object Member() => new Named();
}

internal sealed class ProbeOfLocal
{
    public void Member(int times)
    {
        var named = ProbedSupply.Give();
        for (int i = 0; i < times; i++)
        {
            ProbedSupply.Take(named);
        }
    }
}

internal sealed class ProbedSupply
{
    public static Named? Give() => null;

    public static void Take(Named? named)
    {
    }
}

internal sealed class ProbeOfStaticField
{
    public object Member() => ProbedBox<string>.Empty;
}

internal sealed class ProbeOfGenericArgument
{
    public object? Member() => ProbedBox<int>.Of<Named>();
}

internal sealed class ProbeOfForeignGenericArgument
{
    public object Member() => Array.Empty<Named>();
}

internal sealed class ProbeOfLambda
{
    public Func<object> Member(int seed) => () => seed == 0 ? new Named() : seed;
}

internal sealed class ProbeOfIterator
{
    public IEnumerable<object> Member()
    {
        yield return 1;
        yield return new Named();
    }
}

internal sealed class ProbeOfCatch
{
    public bool Member(Action action)
    {
        try
        {
            action();
            return true;
        }
        catch (ProbedException)
        {
            return false;
        }
    }
}

internal sealed class ProbeOfTypeof
{
    public Type Member() => typeof(Named);
}

internal sealed class ProbeOfNested
{
    public int Member() => ProbedBox<int>.Inner.Count;
}

internal sealed class ProbeOfSwitch
{
    public object? Member(int number) => number switch
    {
        0 => "zero",
        1 => 1L,
        2 => 2.0,
        3 => 3.0f,
        4 => new Named(),
        5 => 'c',
        _ => null,
    };
}

internal sealed class ProbeOfConstant
{
    public int Member() => Named.Constant;
}

internal sealed partial class ProbeOfParts
{
    public int Member() => 0;
}

[Probed(typeof(Named))]
internal sealed class ProbeOfAttribute;

namespace Pasid.Benchmarks.Ratios;

/// <summary>One figure: what is measured, and the bound it must keep.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bound">The bound.</param>
/// <param name="IsUpper">Whether the value must not exceed the bound, rather than not fall below it.</param>
/// <param name="Measure">Measures the value.</param>
internal sealed record Figure(string Name, double Bound, bool IsUpper, Func<double> Measure)
{
    public bool IsKept(double value) => IsUpper ? value <= Bound : value >= Bound;
}

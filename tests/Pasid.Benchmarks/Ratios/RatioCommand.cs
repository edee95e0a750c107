using System.Globalization;

namespace Pasid.Benchmarks.Ratios;

/// <summary><c>ratios [NAME...]</c>: measures the figures, one line each.</summary>
internal static class RatioCommand
{
    public static int Run(string[] names)
    {
        Figure[] figures = [.. PairFigures.All, .. FindFigures.All, .. MemoryFigures.All, .. BinderFigures.All, .. RequestFigures.All];
        string[] unknown = [.. names.Except(figures.Select(figure => figure.Name))];
        if (unknown.Length != 0)
        {
            Console.Error.WriteLine($"ratios: there is no figure '{unknown[0]}'; there are: {string.Join(' ', figures.Select(figure => figure.Name))}");
            return 2;
        }

        int kept = 0;
        int measured = 0;
        foreach (Figure figure in figures.Where(figure => names.Length == 0 || names.Contains(figure.Name)))
        {
            double value = figure.Measure();
            bool isKept = figure.IsKept(value);
            measured++;
            kept += isKept ? 1 : 0;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{figure.Name} {value:0.###} {(figure.IsUpper ? "<=" : ">=")}{figure.Bound:0.###} {(isKept ? "ok" : "short")}"));
            GC.Collect();
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kept} ok, {measured - kept} short"));
        return 0;
    }
}

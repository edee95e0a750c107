using System.Globalization;

namespace Pasid.Tests.Support;

/// <summary>How long tests that could go on for ever go on.</summary>
internal static class Effort
{
    /// <summary>Multiplies a number of rounds by the environment variable <c>PASID_EFFORT</c>, 1 if it is not set.</summary>
    public static int Rounds(int rounds) =>
        checked((int)Math.Ceiling(rounds * (double.TryParse(Environment.GetEnvironmentVariable("PASID_EFFORT"), CultureInfo.InvariantCulture, out double effort) ? effort : 1)));
}

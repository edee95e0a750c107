namespace Pasid.Internal;

/// <summary>Which values of <see cref="PageRequestRights"/> there are.</summary>
internal static class Rights
{
    public static bool AreDefined(PageRequestRights rights) =>
        (rights & ~(PageRequestRights.Privileged | PageRequestRights.Execute | PageRequestRights.Write | PageRequestRights.Read)) == 0;

    /// <summary>Refuses rights that are no combination of the defined ones.</summary>
    public static void ThrowIfUndefined(PageRequestRights rights, string parameterName)
    {
        if (!AreDefined(rights))
        {
            throw new ArgumentOutOfRangeException(parameterName, rights, $"Undefined bits are set: combine members of {nameof(PageRequestRights)}.");
        }
    }
}

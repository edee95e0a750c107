namespace Pasid.Internal;

/// <summary>
/// Which mend is taken out, so that a test can show that its layer would find the fault without it. Nothing but a constant,
/// except in the build of the systematic tests.
/// </summary>
internal static class Planted
{
#if PASID_PLANTED_FAULTS
    private static PlantedFault s_fault;

    public static void Plant(PlantedFault fault) => s_fault = fault;

    public static bool Is(PlantedFault fault) => s_fault == fault;
#else
    public static bool Is(PlantedFault fault) => false;
#endif
}

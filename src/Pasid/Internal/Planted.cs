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

/// <summary>A fault that a mend keeps away; see <see cref="Planted"/>.</summary>
internal enum PlantedFault
{
    None,

    /// <summary>The words of a page that was replaced stay, so that a lookup believes them and compares its owners with those of now.</summary>
    ReplacedPagesStay,

    /// <summary>What a handler leaves wrong ends the drain of an unbind, and the unbind with it.</summary>
    AnswersEndHalfWay,

    /// <summary>A capture and a restore do not have the queues stand still.</summary>
    QueuesGoOn,

    /// <summary>A handler that calls the binder is not refused.</summary>
    HandlersMayCallTheBinder,

    /// <summary>Who finds itself to be the last user of an address space does not look again inside the gate.</summary>
    LastUsersLeaveUnseen,

    /// <summary>A request whose device had an entry when it was looked for is put in whatever happened since.</summary>
    RequestsComeBehindTheDrain,

    /// <summary>A lookup that comes between the two writes of the split of the first page, and finds neither page, believes that.</summary>
    SplitHidesIds,
}

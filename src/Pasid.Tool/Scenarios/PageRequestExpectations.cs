namespace Pasid.Tool.Scenarios;

/// <summary>Reads the answers that have to do with page requests: a recording of them has for each kind of step what that changes.</summary>
internal static class PageRequestExpectations
{
    /// <summary>What stands for regions that are as after the step before.</summary>
    public const string Unchanged = "\"unchanged\"";

    /// <summary>The answers of a recording, but for those that the step alone has.</summary>
    public static void Read(Step step, ExpectationReader expected, Topology topology)
    {
        switch (step)
        {
            case MapRegionStep or CoreDumpStep:
                return;
            case PageRequestStep:
                expected.Json("queues");
                return;
            case ProcessStep process:
                expected.Json("irq");
                expected.Json("dead");
                if (process.Arriving is not null)
                {
                    expected.Json("arrived");
                }

                ReadAnswering(expected);
                break;
            case UnbindStep when expected.Has("log"):
                ReadAnswering(expected);
                break;
        }

        expected.Strings("events");
        expected.StringsOrAbsent("qi");
        expected.NumbersByName("users");
        expected.State("state", topology);
    }

    /// <summary>The answers of a scenario, each of which may be left out.</summary>
    public static void ReadOptional(ExpectationReader expected)
    {
        foreach (string key in (string[])["regions", "queues", "irq", "dead", "arrived", "descs", "log"])
        {
            expected.OptionalJson(key);
        }
    }

    private static void ReadAnswering(ExpectationReader expected)
    {
        expected.Strings("responses");
        expected.Strings("callbacks");
        expected.Json("descs");
        expected.Strings("log");
        expected.Json("queues");
        expected.OptionalJson("regions", Unchanged);
    }
}

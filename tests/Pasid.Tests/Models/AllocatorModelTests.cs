using CsCheck;
using Pasid.Tests.Support;
using Pasid.Tool.Scenarios;
using Choice = (int Kind, uint Id, uint Length, int Detail);
using Crowd = (int Owners, int Spread, uint Other, (int Kind, int Near, int Length, int Detail)[] Choices);
using Journey = (int First, int Most, int Owners, (int Kind, uint Place, bool IsBelow, int Detail)[] Choices);

namespace Pasid.Tests.Models;

/// <summary>Random calls over all that an allocator can be asked, against the naive one.</summary>
public sealed class AllocatorModelTests
{
    private const string Custom =
        """
        "fns":{"low":"lowest-free","high":"highest-free","min":"always-min","none":"always-fail"},"ops":{"a":"low","b":"low","c":"high","d":"min","e":"none"}
        """;

    /// <summary>Stands for <see cref="s_far"/> where otherwise ten ids in a row begin.</summary>
    private const uint Far = uint.MaxValue;

    /// <summary>Ids at both ends of what is made and dropped as one: root word, first page, blocks, directories, rows. With all of them free
    /// the table keeps more than it may, and begins anew.</summary>
    private static readonly uint[] s_far = [5, 1_600, (1 << 18) - 1, 1 << 18, (1 << 19) - 1, (1 << 21) - 1, 1 << 21, (1 << 25) - 1, 1 << 25, uint.MaxValue - 1];

    /// <summary>Where words, pages, blocks, directories and the numbers themselves end.</summary>
    private static readonly uint[] s_borders = [0, 63, 64, 511, 512, 4_095, 4_096, 65_535, 262_143, 262_144, 1 << 20, 2_097_151, 2_097_152, 16_777_215, uint.MaxValue];

    /// <summary>How far apart ids are that lie in words, pages, blocks, directories and rows of their own.</summary>
    private static readonly uint[] s_steps = [1 << 9, 1 << 12, 1 << 17, 1 << 18, 1 << 21, 1 << 25];

    public static TheoryData<string, uint> Cases() =>
        With(["", "\"reuse\":\"cyclic\",", "\"reuse\":\"quarantine\",\"frees\":3,", "\"reuse\":\"quarantine-or-oldest\",\"frees\":5,"], [0, 60, 508, 2_044, 262_140, 2_097_148, uint.MaxValue - 9, Far]);

    public static TheoryData<string, uint> Borders() =>
        With(["", "\"reuse\":\"quarantine\",\"frees\":40,"], s_borders);

    public static TheoryData<string, uint> Steps() =>
        With(["", "\"reuse\":\"quarantine-or-oldest\",\"frees\":5,"], s_steps);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Random_calls_answer_as_the_naive_allocator_does(string reuse, uint place) =>
        Holds(
            Gen.Select(Gen.Int[0, 99], Gen.UInt[0, 9], Gen.UInt[0, 9], Gen.Int[0, 59]).Array[1, 60],
            choices => Scenario(reuse, place, choices),
            rounds: 150);

    /// <summary>Many ids of many owners, around a border and another one.</summary>
    [Theory]
    [MemberData(nameof(Borders))]
    public void Many_ids_of_many_owners_answer_as_the_naive_allocator_does(string reuse, uint border) =>
        Holds(
            Gen.Select(Gen.Int[1, 40], Gen.Int[4, 600], Gen.Int[0, s_borders.Length - 1].Select(index => s_borders[index]), Gen.Select(Gen.Int[0, 7], Gen.Int[-600, 600], Gen.Int[-2, 600], Gen.Int[0, 999]).Array[1, 1_500]),
            crowd => Scenario(reuse, border, crowd),
            rounds: 3);

    /// <summary>Few ids far apart, of few owners, all of which are freed now and then: pages, blocks, rows and directories come and go,
    /// and with the last id all of them.</summary>
    [Theory]
    [MemberData(nameof(Steps))]
    public void Ids_far_apart_that_come_and_go_answer_as_the_naive_allocator_does(string reuse, uint step) =>
        Holds(
            Gen.Select(Gen.Int[0, 2], Gen.Int[1, 39], Gen.Int[1, 5], Gen.Select(Gen.Int[0, 23], Gen.UInt[0, 39], Gen.Bool, Gen.Int[0, 999]).Array[1, 500]),
            journey => Scenario(reuse, step, journey),
            rounds: 4);

    private static void Holds<T>(Gen<T> choices, Func<T, string[]> scenario, int rounds) =>
        ScenarioProperty.Holds(
            choices,
            scenario,
            model: read => new AllocatorPlay((AllocatorScenario)read, new NaiveAllocator(((AllocatorScenario)read).ReusePolicy)),
            library: read => new AllocatorPlay((AllocatorScenario)read, new IoasidAllocator(((AllocatorScenario)read).ReusePolicy)),
            rounds);

    private static TheoryData<string, uint> With(string[] policies, uint[] numbers)
    {
        var cases = new TheoryData<string, uint>();
        foreach (string reuse in policies)
        {
            foreach (uint number in numbers)
            {
                cases.Add(reuse, number);
            }
        }

        return cases;
    }

    private static string[] Scenario(string reuse, uint place, Choice[] choices)
    {
        List<string> lines = [Head(reuse)];
        foreach (Choice choice in choices)
        {
            uint id = place == Far ? s_far[choice.Id] : place + choice.Id;
            string owner = (choice.Detail % 3) switch { 0 => "null", 1 => "\"red\"", _ => "\"blue\"" };
            string data = choice.Detail % 5 == 0 ? "null" : $"\"data {choice.Detail}\"";
            char custom = (char)('a' + (choice.Detail % 5));
            string line = choice.Kind switch
            {
                < 40 => $$"""{"op":"alloc","set":{{owner}},"min":{{id}},"max":{{(uint)Math.Min(id + (ulong)choice.Length, uint.MaxValue) - (choice.Detail == 1 ? 1u : 0u)}},"data":{{data}}}""",
                < 58 => $$"""{"op":"free","id":{{id}}}""",
                < 64 => $$"""{"op":"get","id":{{id}}}""",
                < 73 => $$"""{"op":"put","id":{{id}}}""",
                < 80 => $$"""{"op":"set_data","id":{{id}},"data":{{data}}}""",
                < 92 => $$"""{"op":"find","set":{{owner}},"id":{{id}},"getter":{{(choice.Detail % 7) switch { 0 => "true", 1 => "false", _ => "null" }}}}""",
                < 94 => $$"""{"op":"register","ops":"{{custom}}","fns":"{{custom switch { 'a' or 'b' => "low", 'c' => "high", 'd' => "min", _ => "none" }}}"}""",
                < 97 => $$"""{"op":"unregister","ops":"{{custom}}"}""",
                _ => """{"op":"live"}""",
            };
            lines.Add(line);
        }

        return [.. lines];
    }

    private static string[] Scenario(string reuse, uint border, Crowd crowd)
    {
        List<string> lines = [Head(reuse)];
        foreach ((int kind, int near, int length, int detail) in crowd.Choices)
        {
            uint id = (uint)Math.Clamp((detail % 3 == 0 ? crowd.Other : border) + (long)(near % crowd.Spread), 0, uint.MaxValue);
            string owner = Owner(detail % (crowd.Owners + 1));
            lines.Add(kind switch
            {
                < 3 => $$"""{"op":"alloc","set":{{owner}},"min":{{id}},"max":{{(uint)Math.Clamp((long)id + (length % crowd.Spread), 0, uint.MaxValue)}},"data":"data {{lines.Count}}"}""",
                3 => $$"""{"op":"free","id":{{id}}}""",
                4 => $$"""{"op":"get","id":{{id}}}""",
                5 => $$"""{"op":"put","id":{{id}}}""",
                6 => $$"""{"op":"set_data","id":{{id}},"data":"data {{lines.Count}}"}""",
                _ => $$"""{"op":"find","set":{{owner}},"id":{{id}},"getter":null}""",
            });
            if (lines.Count % 500 == 0)
            {
                lines.Add("""{"op":"live"}""");
            }
        }

        return [.. lines, """{"op":"live"}"""];
    }

    private static string[] Scenario(string reuse, uint step, Journey journey)
    {
        List<string> lines = [Head(reuse)];
        uint first = journey.First switch { 0 => 0, 1 => 1 << 18, _ => uint.MaxValue - (40 * step) };
        List<uint> live = [];
        foreach ((int kind, uint place, bool isBelow, int detail) in journey.Choices)
        {
            uint id = first + (place * step) - (isBelow ? 1u : 0u);
            if (kind < 16 && live.Count < journey.Most)
            {
                lines.Add($$"""{"op":"alloc","set":{{Owner(detail % (journey.Owners + 1))}},"min":{{id}},"max":{{id}},"data":"data {{lines.Count}}"}""");
                if (!live.Contains(id))
                {
                    live.Add(id);
                }
            }
            else
            {
                // All of them now and then, in any order.
                for (int left = kind == 23 ? live.Count : Math.Min(live.Count, 1); left > 0; left--)
                {
                    int index = detail % live.Count;
                    lines.Add($$"""{"op":"free","id":{{live[index]}}}""");
                    live.RemoveAt(index);
                }
            }

            lines.Add($$"""{"op":"find","set":{{Owner(journey.Owners)}},"id":{{id}},"getter":null}""");
            if (live.Count == 0)
            {
                lines.Add("""{"op":"live"}""");
            }
        }

        return [.. lines];
    }

    private static string Head(string reuse) => $$"""{"vectors":"ioasid","version":1,{{reuse}}{{Custom}}}""";

    private static string Owner(int number) => number == 0 ? "null" : $"\"owner {number}\"";
}

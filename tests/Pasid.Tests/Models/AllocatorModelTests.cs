using CsCheck;
using Pasid.Tests.Support;
using Pasid.Tool.Scenarios;
using Choice = (int Kind, uint Id, uint Length, int Detail);

namespace Pasid.Tests.Models;

/// <summary>Random calls over all that an allocator can be asked, against the naive one.</summary>
public sealed class AllocatorModelTests
{
    private const string Custom =
        """
        "fns":{"low":"lowest-free","high":"highest-free","min":"always-min","none":"always-fail"},"ops":{"a":"low","b":"low","c":"high","d":"min","e":"none"}
        """;

    /// <summary>Ids at both ends of what is made and dropped as one: root word, first page, blocks, directories, rows. With all of them free
    /// the table keeps more than it may, and begins anew.</summary>
    private static readonly uint[] s_far = [5, 1_600, (1 << 18) - 1, 1 << 18, (1 << 19) - 1, (1 << 21) - 1, 1 << 21, (1 << 25) - 1, 1 << 25, uint.MaxValue - 1];

    /// <summary>Stands for <see cref="s_far"/> where otherwise ten ids in a row begin.</summary>
    private const uint Far = uint.MaxValue;

    public static TheoryData<string, uint> Cases()
    {
        var cases = new TheoryData<string, uint>();
        foreach (string reuse in new[] { "", "\"reuse\":\"cyclic\",", "\"reuse\":\"quarantine\",\"frees\":3,", "\"reuse\":\"quarantine-or-oldest\",\"frees\":5," })
        {
            foreach (uint place in new uint[] { 0, 60, 508, 2_044, 262_140, 2_097_148, uint.MaxValue - 9, Far })
            {
                cases.Add(reuse, place);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Random_calls_answer_as_the_naive_allocator_does(string reuse, uint place) =>
        ScenarioProperty.Holds(
            Gen.Select(Gen.Int[0, 99], Gen.UInt[0, 9], Gen.UInt[0, 9], Gen.Int[0, 59]).Array[1, 60],
            choices => Scenario(reuse, place, choices),
            scenario => new NaiveAllocator((AllocatorScenario)scenario),
            rounds: 150);

    private static string[] Scenario(string reuse, uint place, Choice[] choices)
    {
        List<string> lines = [$$"""{"vectors":"ioasid","version":1,{{reuse}}{{Custom}}}"""];
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
}

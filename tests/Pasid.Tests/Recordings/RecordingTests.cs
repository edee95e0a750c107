using Pasid.Tool.Replay;
using Pasid.Tool.Scenarios;

namespace Pasid.Tests.Recordings;

/// <summary>Every recorded step of the kernel is answered alike: return values, PASIDs, events in order, descriptors, state.</summary>
public sealed class RecordingTests
{
    public static TheoryData<string> Names()
    {
        var names = new TheoryData<string>();
        foreach (string name in Vectors.Names())
        {
            names.Add(name);
        }

        return names;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Recording_is_answered_as_the_kernel_did(string name)
    {
        Scenario recording = ScenarioReader.ReadRecording(Vectors.PathOf(name));
        using IReplay replay = Replays.Create(recording);

        foreach (Step step in recording.Steps)
        {
            Replays.FindDifference(step, replay.Apply(step)).Should().BeNull();
        }

        recording.Steps.Should().NotBeEmpty();
    }

    [Fact]
    public void All_recordings_are_there() => Vectors.Names().Should().HaveCount(86);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_answer_of_every_step_is_compared(string name)
    {
        // What a step answers and what its line expects must be the same keys: an answer that nobody compares proves nothing.
        Scenario recording = ScenarioReader.ReadRecording(Vectors.PathOf(name));
        using IReplay replay = Replays.Create(recording);

        foreach (Step step in recording.Steps)
        {
            IReadOnlyList<Answer> answers = replay.Apply(step);
            step.Info.Expected.Select(answer => answer.Key).Should().BeEquivalentTo(answers.Select(answer => answer.Key));
            foreach (Answer expected in step.Info.Expected)
            {
                Answer[] changed = [.. answers.Select(answer => answer.Key == expected.Key ? answer with { Text = $"{answer.Text}," } : answer)];
                Replays.FindDifference(step, changed)!.Key.Should().Be(expected.Key);
            }
        }
    }
}

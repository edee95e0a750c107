using System.Text;
using Pasid.Tests.Support;

namespace Pasid.Tests.Fuzzing;

/// <summary>Whatever is in a file: a clear error or the right result, never a crash and never a host that is half restored.</summary>
public sealed class HostileFileTests
{
    /// <summary>The same snapshot in each version of the format.</summary>
    private static readonly string[] s_snapshots =
        [.. new[] { 1, 2 }.Select(version => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Snapshots", $"snapshot-v{version}.json")))];

    [Fact]
    public void A_damaged_snapshot_is_refused_or_restored_to_a_whole_host()
    {
        int restored = 0;
        int refused = 0;
        int rounds = Effort.Rounds(10_000);
        using var host = new Host(KernelProfile.Seed, pasidLimit: 12);
        var walk = new RandomWalk(host, 1);
        walk.Go(30);
        host.Armed = null;
        PasidSnapshotMap map = new()
        {
            NameData = data => data as string,
            FindData = name => name,
            FindDevice = name => walk.Devices.FirstOrDefault(device => device.Name == name),
            FindCallbacks = name => name == "callbacks" ? new Callbacks() : null,
        };

        for (int seed = 0; seed < rounds; seed++)
        {
            string before = host.State();
            using var stream = new MemoryStream(Mutator.Mutate(s_snapshots[seed % 2], seed));
            try
            {
                host.Binder.Restore(PasidSnapshot.Load(stream), map);
                restored++;
                host.ShouldBeWhole();
                UseAll(host, walk);
            }
            catch (FormatException exception)
            {
                refused++;
                exception.Message.Should().NotBeEmpty();
                host.State().Should().Be(before, $"seed {seed}");
            }
        }

        restored.Should().BeGreaterThan(rounds / 100);
        refused.Should().BeGreaterThan(rounds / 3);
    }

    [Theory]
    [InlineData("ioasid-basic.jsonl", 30)]
    [InlineData("ioasid-custom.jsonl", 30)]
    [InlineData("svm-patched-basic.jsonl", 12)]
    public void A_damaged_recording_is_verified_or_refused_in_one_line(string name, int lines)
    {
        string[] all = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Vectors", name));
        string text = string.Join('\n', all.Take(lines)) + "\n";
        using var folder = new TemporaryFolder();
        int rounds = Effort.Rounds(1_000);
        for (int seed = 0; seed < rounds; seed++)
        {
            string path = folder.Write("damaged.jsonl", Mutator.Mutate(text, seed));

            ToolRun run = ToolRun.Of("verify", path);

            run.ExitCode.Should().BeInRange(0, 2, $"seed {seed}");
            if (run.ExitCode == 2)
            {
                run.Error.Trim().Split('\n').Should().ContainSingle($"seed {seed}").Which.Should().Contain("damaged.jsonl");
            }
        }
    }

    [Fact]
    public void A_damaged_scenario_is_played_or_refused_in_one_line()
    {
        string text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Scenarios", "life-story.jsonl"));
        using var folder = new TemporaryFolder();
        int played = 0;
        int rounds = Effort.Rounds(1_000);
        for (int seed = 0; seed < rounds; seed++)
        {
            string path = folder.Write("damaged.jsonl", Mutator.Mutate(text, seed));

            ToolRun run = ToolRun.Of("run", path);

            run.ExitCode.Should().BeInRange(0, 2, $"seed {seed}");
            played += run.ExitCode == 2 ? 0 : 1;
            if (run.ExitCode == 2)
            {
                run.Error.Trim().Split('\n').Should().ContainSingle($"seed {seed}").Which.Should().Contain("damaged.jsonl");
            }
        }

        played.Should().BeGreaterThan(rounds / 100);
    }

    [Fact]
    public void A_damaged_snapshot_is_the_same_in_pieces_of_any_length()
    {
        int twice = 0;
        int rounds = Effort.Rounds(2_000);
        for (int seed = 0; seed < rounds; seed++)
        {
            string snapshot = s_snapshots[seed / 2 % 2];
            byte[] bytes = Mutator.Mutate(seed % 2 == 0 ? snapshot : snapshot.Replace("\"id\":", "\"id\":1,\"\\u0069d\" :", StringComparison.Ordinal), seed);
            using var whole = new MemoryStream(bytes);
            using var pieces = new PiecesStream(bytes, new Random(seed));

            string? fault = Fault(whole);

            // Which of several faults is told depends on where the pieces end.
            (Fault(pieces) is null).Should().Be(fault is null, $"seed {seed}");
            twice += fault?.Contains("twice", StringComparison.Ordinal) == true ? 1 : 0;
        }

        twice.Should().BeGreaterThan(rounds / 3);
    }

    [Fact]
    public void A_name_of_any_characters_is_shown_as_text()
    {
        const string Alphabet = "\u001b\n\r\0\t\u007f\u0085\u009b\u2028\u2029\u202e\u2066\u200f\ufeff[]/{}\\\"' ab\u6f22\ud83d\ude00";
        string template = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Scenarios", "life-story.jsonl")).First();
        using var folder = new TemporaryFolder();
        int rounds = Effort.Rounds(300);
        for (int seed = 0; seed < rounds; seed++)
        {
            var random = new Random(seed);
            string name = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
            string path = folder.Write(
                "named.jsonl",
                Encoding.UTF8.GetBytes($"{template}\n{{\"op\":\"fork\",\"mm\":\"web\",\"child\":{Json(name)},\"note\":{Json(name)},\"events\":[{Json(name)}]}}\n{{\"op\":{Json(name)}}}\n"));

            foreach (string command in new[] { "run", "verify" })
            {
                ToolRun run = ToolRun.Of(command, path);

                run.ExitCode.Should().Be(2, $"seed {seed}");
                run.ErrorLines.Should().ContainSingle($"seed {seed}");
                (run.Output + run.Error).Should().NotMatchRegex("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}-[\\n\ud83d\ude00]]", $"seed {seed}");
            }

            // The same name where nothing is wrong with the file.
            File.WriteAllLines(path, File.ReadAllLines(path).SkipLast(1));
            ToolRun played = ToolRun.Of("run", path);
            played.ExitCode.Should().BeInRange(1, 2, $"seed {seed}");
            played.Output.Should().NotMatchRegex("[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}-[\\n]]", $"seed {seed}");
        }
    }

    /// <summary>Text as JSON with everything escaped, halves of surrogate pairs too.</summary>
    private static string Json(string text) => $"\"{string.Concat(text.Select(c => $"\\u{(int)c:x4}"))}\"";

    private static string? Fault(Stream stream)
    {
        try
        {
            PasidSnapshot.Load(stream);
            return null;
        }
        catch (FormatException exception)
        {
            return exception.Message;
        }
    }

    /// <summary>Unbinds what is bound and exits who lives, as far as they let.</summary>
    private static void UseAll(Host host, RandomWalk walk)
    {
        foreach (SvmBindingInfo binding in host.Binder.GetBindings())
        {
            foreach (SvmDeviceInfo device in binding.Devices)
            {
                host.Binder.UnbindMm(device.Device, binding.Pasid);
            }

            binding.AddressSpace?.Exit();
        }

        host.Binder.BindMm(walk.Devices[0], host.Binder.CreateAddressSpace("new"), out _);
        host.ShouldBeWhole();
        host.Events.Clear();

        // A restore says nothing to the IOMMUs, so these find fault with what follows: kept, that would make each round slower.
        host.Iommu0.Violations.Clear();
        host.Iommu1.Violations.Clear();
    }

    private sealed class PiecesStream(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, random.Next(1, 20))]);
    }

    private sealed class Callbacks : ISvmDeviceCallbacks
    {
        public string Name => "callbacks";
    }
}

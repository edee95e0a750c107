using Pasid.Tests.Support;

namespace Pasid.Tests.Fuzzing;

/// <summary>Whatever is in a file: a clear error or the right result, never a crash and never a host that is half restored.</summary>
public sealed class HostileFileTests
{
    private static readonly string s_snapshot = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Snapshots", "snapshot-v1.json"));

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
            using var stream = new MemoryStream(Mutator.Mutate(s_snapshot, seed));
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

    private sealed class Callbacks : ISvmDeviceCallbacks
    {
        public string Name => "callbacks";
    }
}

namespace Pasid.Tests.Samples;

public sealed class ReadmeTests
{
    private static readonly string s_readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "README.md")).ReplaceLineEndings("\n");

    [Fact]
    public void The_snippet_runs_and_prints_what_the_readme_says()
    {
        List<string> printed = [];

        ReadmeSample.Run(printed.Add);

        printed.Should().Equal("solver is PASID 1 on both devices: True", "PASID 1 reaches solver");
    }

    [Fact]
    public void The_snippet_of_commands_and_page_requests_runs_and_prints_what_the_readme_says()
    {
        List<string> printed = [];
        var device = new Device();

        ReadmeLifeSample.Run(device, device, printed.Add);

        printed.Should().Equal("Accepted, IA32_PASID 0x80000001");
        device.Responses.Should().ContainSingle().Which.Code.Should().Be(PageResponseCode.Success);
    }

    [Theory]
    [InlineData("ReadmeSample.cs", "using Pasid;\n\n")]
    [InlineData("ReadmeLifeSample.cs", "")]
    public void The_snippet_of_the_readme_is_the_one_that_runs(string name, string head)
    {
        using var reader = new StreamReader(typeof(ReadmeTests).Assembly.GetManifestResourceStream(name)!);
        string source = reader.ReadToEnd().ReplaceLineEndings("\n");
        string[] lines = source[(source.IndexOf("// <readme>\n", StringComparison.Ordinal) + 12)..source.IndexOf("        // </readme>", StringComparison.Ordinal)].TrimEnd().Split('\n');
        string snippet = string.Join('\n', lines.Select(line => line.Length > 8 ? line[8..] : line)).Replace("print(", "Console.WriteLine(", StringComparison.Ordinal);

        s_readme.Should().Contain($"```csharp\n{head}{snippet}\n```");
    }

    [Fact]
    public void Every_quirk_profile_and_status_has_its_row()
    {
        foreach (string name in Enum.GetNames<KernelQuirks>().Where(name => name != nameof(KernelQuirks.None)))
        {
            s_readme.Should().Contain($"| `{name}` |");
        }

        foreach (PasidStatus status in Enum.GetValues<PasidStatus>())
        {
            s_readme.Should().Contain($"| `{status}` | {(int)status} |");
        }

        foreach (string profile in new[] { nameof(KernelProfile.Default), nameof(KernelProfile.Seed), nameof(KernelProfile.Linux56) })
        {
            s_readme.Should().Contain($"`KernelProfile.{profile}`");
        }
    }

    [Fact]
    public void Every_log_event_is_in_the_table_with_its_id()
    {
        foreach (System.Reflection.FieldInfo id in typeof(Internal.EventIds).GetFields())
        {
            string row = s_readme.Split('\n').Should().ContainSingle(line => line.StartsWith("| ", StringComparison.Ordinal) && line.Contains($"`{id.Name}`", StringComparison.Ordinal)).Subject;
            row.Split('|')[1].Should().Contain(id.GetRawConstantValue()!.ToString());
        }
    }

    [Fact]
    public void Every_instrument_is_in_the_table_with_its_unit()
    {
        List<System.Diagnostics.Metrics.Instrument> instruments = [];
        using var listener = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == "Pasid")
                {
                    lock (instruments)
                    {
                        instruments.Add(instrument);
                    }
                }
            },
        };
        using var binder = new SvmBinder(new IoasidAllocator(), options: null, loggerFactory: null, meterFactory: null, isMeasured: true);
        listener.Start();

        lock (instruments)
        {
            instruments.Should().HaveCountGreaterThanOrEqualTo(10);
            instruments.Should().OnlyContain(instrument => s_readme.Contains($"| `{instrument.Name}` | `{instrument.Unit}` |"));
        }
    }

    [Fact]
    public void Every_option_is_in_the_table()
    {
        foreach (System.Reflection.PropertyInfo option in typeof(PasidOptions).GetProperties())
        {
            s_readme.Split("## Snapshots")[0].Split("| Option |")[1].Should().Contain($"`{option.Name}`");
        }
    }

    private sealed class Device : IEnqcmdPortal, IPageResponder
    {
        public string Name => "device";

        public List<PageResponse> Responses { get; } = [];

        public bool Submit(in EnqcmdCommand command) => true;

        public void Respond(in PageResponse response) => Responses.Add(response);
    }
}

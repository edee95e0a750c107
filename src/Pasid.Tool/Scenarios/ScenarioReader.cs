using System.Text.Json;

namespace Pasid.Tool.Scenarios;

/// <summary>
/// Reads scenario files. As a recording, a file must name its kernel and hold every answer of every step; as a scenario
/// to run, it need not.
/// </summary>
internal sealed class ScenarioReader
{
    private const int Version = 1;

    private readonly string _path;
    private readonly bool _isRecording;
    private readonly KernelProfile? _profile;

    private ScenarioReader(string path, bool isRecording, KernelProfile? profile)
    {
        _path = path;
        _isRecording = isRecording;
        _profile = profile;
    }

    /// <summary>Reads a recording: every answer has to be there.</summary>
    public static Scenario ReadRecording(string path) =>
        new ScenarioReader(path, isRecording: true, profile: null).Read(ScenarioLines.Read(path));

    /// <summary>Reads a scenario to run.</summary>
    /// <param name="path">The file.</param>
    /// <param name="profile">The profile to run it under; <see langword="null"/> for the one that its header names, or the default.</param>
    public static Scenario ReadScenario(string path, KernelProfile? profile) =>
        new ScenarioReader(path, isRecording: false, profile).Read(ScenarioLines.Read(path));

    /// <inheritdoc cref="ReadScenario(string, KernelProfile?)"/>
    public static Scenario ReadScenario(string name, Stream stream, KernelProfile? profile) =>
        new ScenarioReader(name, isRecording: false, profile).Read(ScenarioLines.Read(name, stream));

    private Scenario Read(IEnumerable<JsonDocument> lines)
    {
        using IEnumerator<JsonDocument> enumerator = lines.GetEnumerator();
        if (!enumerator.MoveNext())
        {
            throw new MalformedException(_path, 1, "the file is empty: its first line must be a header");
        }

        KeyReader header = Open(enumerator.Current, 1, "the header");
        string kind = header.String("vectors");
        long version = header.Integer("version", 0, int.MaxValue);
        if (version != Version)
        {
            throw header.Malformed($"version {version} is unknown: this tool reads version {Version}");
        }

        string? kernel = _isRecording ? header.String("kernel") : header.OptionalString("kernel");
        string name = (_isRecording ? header.String("name") : header.OptionalString("name")) ?? Path.GetFileNameWithoutExtension(_path);
        header.OptionalInteger("seed", long.MinValue, long.MaxValue);
        return kind switch
        {
            "ioasid" => ReadAllocator(header, name, kernel, enumerator),
            "svm" => ReadBinder(header, name, kernel, _isRecording ? FileFormat.Recording : FileFormat.Scenario, enumerator),
            "prq" => ReadBinder(header, name, kernel, FileFormat.PageRequestRecording, enumerator),
            _ => throw header.Malformed($"'vectors' is '{kind}': it must be 'ioasid', 'svm' or 'prq'"),
        };
    }

    private AllocatorScenario ReadAllocator(KeyReader header, string name, string? kernel, IEnumerator<JsonDocument> lines)
    {
        if (kernel is not null && !KernelNames.Allocators.Contains(kernel))
        {
            throw header.Malformed($"the kernel '{kernel}' is unknown for an allocator: it must be {string.Join(" or ", KernelNames.Allocators)}");
        }

        long? count = _isRecording ? header.Integer("steps", 0, int.MaxValue) : header.OptionalInteger("steps", 0, int.MaxValue);
        CustomAllocators customAllocators = ReadCustomAllocators(header);
        IoasidReusePolicy reusePolicy = _isRecording ? IoasidReusePolicy.LowestFirst : ReadReusePolicy(header);
        header.End();

        var reader = new AllocatorStepReader(customAllocators, _isRecording);
        List<Step> steps = ReadSteps(lines, reader.Read);
        CheckCount(count, steps.Count);
        return new AllocatorScenario(_path, name, kernel ?? KernelNames.Allocators[0], steps, customAllocators, reusePolicy);
    }

    private BinderScenario ReadBinder(KeyReader header, string name, string? kernel, FileFormat format, IEnumerator<JsonDocument> lines)
    {
        bool isOfThread = format == FileFormat.PageRequestRecording;
        KernelProfile profile = (isOfThread ? KernelNames.FindThread(kernel ?? string.Empty) : KernelNames.Find(kernel ?? KernelProfile.Default.Name))
            ?? throw header.Malformed(isOfThread
                ? $"the kernel '{kernel}' is unknown for page requests: it must be patched, v5.6, v5.8 or v5.10"
                : $"the kernel '{kernel}' is unknown for a binder: it must be patched, v5.6 or default");
        long? count = header.OptionalInteger("steps", 0, int.MaxValue);
        StackLimits stacks = format == FileFormat.Recording ? new StackLimits() : new StackLimits(ReadLimit(header, "stack_limit"), ReadLimit(header, "stack_guard_gap"), ReadLimit(header, "mmap_min_addr"));
        Topology topology = TopologyReader.Read(header.Object("topology", "the topology"), format) with { Stacks = stacks };
        header.End();

        var reader = new BinderStepReader(topology, format);
        List<Step> steps = ReadSteps(lines, reader.Read);
        if (isOfThread)
        {
            CheckCount(count, steps.Count);
        }

        return new BinderScenario(_path, name, kernel ?? profile.Name, steps, _profile ?? profile, topology) { Format = format };
    }

    private static ulong? ReadLimit(KeyReader header, string key) => (ulong?)header.OptionalInteger(key, 0, long.MaxValue);

    private void CheckCount(long? expected, int count)
    {
        if (expected is not null && expected != count)
        {
            throw new MalformedException(_path, count + 1, $"the file ends after {count} steps; its header says {expected}");
        }
    }

    private static IoasidReusePolicy ReadReusePolicy(KeyReader header)
    {
        string? order = header.OptionalString("reuse");
        int frees = (int)(header.OptionalInteger("frees", 1, IoasidRange.PasidLimit) ?? 0);
        switch (order)
        {
            case null or "lowest-first" when frees == 0:
                return IoasidReusePolicy.LowestFirst;
            case "cyclic" when frees == 0:
                return IoasidReusePolicy.Cyclic;
            case "quarantine" when frees != 0:
                return IoasidReusePolicy.Quarantine(frees);
            case "quarantine-or-oldest" when frees != 0:
                return IoasidReusePolicy.Quarantine(frees, QuarantineExhaustion.ReleaseOldest);
            default:
                throw header.Malformed($"'reuse' is '{order}' with {frees} 'frees': it must be lowest-first or cyclic without, quarantine or quarantine-or-oldest with them");
        }
    }

    private static CustomAllocators ReadCustomAllocators(KeyReader header)
    {
        IReadOnlyDictionary<string, string> strategies = header.OptionalObject("fns", "'fns'")?.StringsByKey() ?? new Dictionary<string, string>();
        IReadOnlyDictionary<string, string> functions = header.OptionalObject("ops", "'ops'")?.StringsByKey() ?? new Dictionary<string, string>();
        foreach ((string name, string strategy) in strategies)
        {
            if (!Replay.Strategies.IsKnown(strategy))
            {
                throw header.Malformed($"the strategy '{strategy}' of '{name}' is unknown");
            }
        }

        foreach ((string name, string pair) in functions)
        {
            if (!strategies.ContainsKey(pair))
            {
                throw header.Malformed($"the functions '{pair}' of '{name}' are not in 'fns'");
            }
        }

        return new CustomAllocators(strategies, functions);
    }

    private List<Step> ReadSteps(IEnumerator<JsonDocument> lines, Func<KeyReader, int, string, Step> read)
    {
        List<Step> steps = [];
        for (int line = 2; lines.MoveNext(); line++)
        {
            KeyReader keys = Open(lines.Current, line, "the step");
            string op = keys.String("op");
            Step step = read(keys, line, op);
            keys.End();
            steps.Add(step);
            lines.Current.Dispose();
        }

        return steps;
    }

    private KeyReader Open(JsonDocument document, int line, string what) => new(_path, line, what, document.RootElement);
}

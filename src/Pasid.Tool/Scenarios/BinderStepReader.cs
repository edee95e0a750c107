namespace Pasid.Tool.Scenarios;

/// <summary>Reads the steps of a binder scenario.</summary>
internal sealed class BinderStepReader(Topology topology, bool isRecording)
{
    private readonly HashSet<string> _devices = topology.Devices.Select(device => device.Name).ToHashSet(StringComparer.Ordinal);
    private readonly HashSet<string> _addressSpaces = topology.AddressSpaces.ToHashSet(StringComparer.Ordinal);
    private bool _hasSnapshot;

    public Step Read(KeyReader keys, int line, string op)
    {
        string? note = isRecording ? null : keys.OptionalString("note");
        var expected = new ExpectationReader(keys, isRecording);
        var info = new StepInfo(line, op, note, expected.Answers);
        Step step;
        switch (op)
        {
            case "bind":
                step = ReadBind(keys, info);
                expected.Number("ret");
                expected.NumberOrNull("pasid");
                break;
            case "unbind":
                step = new UnbindStep(info, Device(keys), keys.Pasid("pasid"));
                expected.Number("ret");
                break;
            case "is_valid":
                step = new IsValidStep(info, Device(keys), keys.Pasid("pasid"));
                expected.Number("ret");
                break;
            case "exit":
                step = new ExitStep(info, AddressSpace(keys));
                break;
            case "fork" when !isRecording:
                step = new ForkStep(info, AddressSpace(keys), NewAddressSpace(keys, "child"));
                break;
            case "exec" when !isRecording:
                step = new ExecStep(info, AddressSpace(keys), NewAddressSpace(keys, "next"));
                break;
            case "snapshot" when !isRecording:
                step = new SnapshotStep(info);
                _hasSnapshot = true;
                break;
            case "restore" when !isRecording:
                step = _hasSnapshot ? new RestoreStep(info) : throw keys.Malformed("there is no snapshot to restore: 'snapshot' must come first");
                break;
            default:
                throw keys.Malformed($"the op '{op}' is unknown for a binder");
        }

        expected.Strings("events");
        expected.StringsOrAbsent("qi");
        expected.State("state", topology);
        return step;
    }

    private BindStep ReadBind(KeyReader keys, StepInfo info) => new(
        info,
        Device(keys),
        AddressSpace(keys),
        keys.Boolean("want_pasid"),
        (SvmBindFlags)keys.Integer("flags", 0, (int)(SvmBindFlags.Private | SvmBindFlags.Supervisor)),
        keys.StringOrNull("ops"),
        Fault(keys));

    private string Device(KeyReader keys) => Known(keys, "device", keys.String("dev"), _devices);

    private string AddressSpace(KeyReader keys) => Known(keys, "mm", keys.String("mm"), _addressSpaces);

    private string NewAddressSpace(KeyReader keys, string key)
    {
        string name = keys.String(key);
        return _addressSpaces.Add(name) ? name : throw keys.Malformed($"the mm '{name}' is there already");
    }

    private static string Known(KeyReader keys, string what, string name, HashSet<string> names) =>
        names.Contains(name) ? name : throw keys.Malformed($"the {what} '{name}' is unknown: the topology does not have it");

    private static SvmFaultPoint? Fault(KeyReader keys) => keys.StringOrNull("fail") switch
    {
        null => null,
        "sdev" => SvmFaultPoint.DeviceRecord,
        "svm" => SvmFaultPoint.SvmRecord,
        "notifier" => SvmFaultPoint.NotifierRegistration,
        "setup" => SvmFaultPoint.PasidEntrySetup,
        { } other => throw keys.Malformed($"the failure '{other}' is unknown: it must be sdev, svm, notifier or setup"),
    };
}

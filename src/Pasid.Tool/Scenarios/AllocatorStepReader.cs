namespace Pasid.Tool.Scenarios;

/// <summary>Reads the steps of an allocator scenario.</summary>
internal sealed class AllocatorStepReader(CustomAllocators customAllocators, bool isRecording)
{
    public Step Read(KeyReader keys, int line, string op)
    {
        string? note = isRecording ? null : keys.OptionalString("note");
        var expected = new ExpectationReader(keys, isRecording);
        var info = new StepInfo(line, op, note, expected.Answers);
        switch (op)
        {
            case "alloc":
                expected.Number("ret");
                return new AllocateStep(info, keys.StringOrNull("set"), new IoasidRange(keys.Id("min").Value, keys.Id("max").Value), keys.StringOrNull("data"));
            case "free":
                return new FreeStep(info, keys.Id("id"));
            case "get":
                expected.NumberOrWarning("ret");
                return new GetStep(info, keys.Id("id"));
            case "put":
                expected.Boolean("ret");
                return new PutStep(info, keys.Id("id"));
            case "set_data":
                expected.Number("ret");
                return new SetDataStep(info, keys.Id("id"), keys.StringOrNull("data"));
            case "find":
                expected.Found("ret");
                return new FindStep(info, keys.StringOrNull("set"), keys.Id("id"), keys.BooleanOrNull("getter"));
            case "register":
                expected.Number("ret");
                return new RegisterStep(info, CustomAllocator(keys, keys.String("fns")));
            case "unregister":
                return new UnregisterStep(info, CustomAllocator(keys, functions: null));
            case "live":
                expected.Numbers("ret");
                return new LiveStep(info);
            default:
                throw keys.Malformed($"the op '{op}' is unknown for an allocator");
        }
    }

    private string CustomAllocator(KeyReader keys, string? functions)
    {
        string name = keys.String("ops");
        if (!customAllocators.Functions.TryGetValue(name, out string? declared))
        {
            throw keys.Malformed($"the custom allocator '{name}' is unknown: the header does not declare it in 'ops'");
        }

        return functions is null || functions == declared
            ? name
            : throw keys.Malformed($"the custom allocator '{name}' has the functions '{declared}' in the header, not '{functions}'");
    }
}

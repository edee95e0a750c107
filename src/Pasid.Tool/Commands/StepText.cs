using System.Globalization;
using System.Text.Json;
using Pasid.Tool.Scenarios;

namespace Pasid.Tool.Commands;

/// <summary>Puts steps and their answers into words.</summary>
internal static class StepText
{
    public static string Describe(Step step) => step switch
    {
        AllocateStep s => $"alloc {s.Range}{In(s.Set)}{With(s.Data)}",
        FreeStep s => $"free {s.Id}",
        GetStep s => $"get {s.Id}",
        PutStep s => $"put {s.Id}",
        SetDataStep s => $"set_data {s.Id} {s.Data ?? "null"}",
        FindStep s => $"find {s.Id}{In(s.Set)}",
        RegisterStep s => $"register {s.CustomAllocator}",
        UnregisterStep s => $"unregister {s.CustomAllocator}",
        LiveStep => "live",
        BindStep { WantsPasid: false } s => $"enable {s.Device}{Suffix(s.Flags)}",
        BindStep s => $"bind {s.AddressSpace} to {s.Device}{Suffix(s.Flags)}",
        UnbindStep s => $"unbind {unchecked((int)s.Pasid.Value).ToString(CultureInfo.InvariantCulture)} from {s.Device}",
        IsValidStep s => $"is {unchecked((int)s.Pasid.Value).ToString(CultureInfo.InvariantCulture)} valid for {s.Device}?",
        ExitStep s => $"exit {s.AddressSpace}",
        ForkStep s => $"fork {s.AddressSpace} to {s.Child}",
        ExecStep s => $"exec {s.AddressSpace} to {s.Next}",
        ThreadStep s => $"thread {s.Thread} of {s.AddressSpace}",
        ThreadExitStep s => $"thread {s.Thread} exits",
        MapPortalStep s => $"map {s.WorkQueue} into {s.AddressSpace}",
        UnmapPortalStep s => $"unmap 0x{s.Address:X} of {s.AddressSpace}",
        MapRegionStep s => $"map {s.Region} of {s.AddressSpace}",
        EnqcmdStep s => $"{(s.IsSupervisors ? "ENQCMDS" : "ENQCMD")} by {s.Thread}",
        ConfigureStep s => $"configure {s.WorkQueue} with {s.Pasid}",
        Movdir64BStep s => $"MOVDIR64B by {s.Thread}",
        CompleteStep s => $"{s.WorkQueue} completes its work",
        PageRequestStep s => $"{s.Request.Device} asks for 0x{s.Request.Address:X} with {s.Request.Pasid?.ToString() ?? "no PASID"}",
        ProcessStep { Iommu: { } iommu } => $"answer page requests of {iommu}",
        ProcessStep => "answer page requests",
        CoreDumpStep s => $"{(s.IsOn ? "begin" : "end")} a core dump of {s.AddressSpace}",
        _ => step.Info.Op,
    };

    /// <summary>How much of a list of ids is shown: a line that grows with the host would make the whole grow with its square.</summary>
    private const int MostOfList = 1 << 8;

    public static string Outcome(Step step, IReadOnlyList<Answer> answers)
    {
        if (step is LiveStep)
        {
            return answers[0].Begin(MostOfList);
        }

        string? answer = Find(answers, "ret");
        if (answer is null)
        {
            return "done";
        }

        switch (step)
        {
            case BindStep { WantsPasid: true } when Find(answers, "pasid") is { } pasid && pasid != "null":
                return $"PASID {pasid}";
            case BindStep { WantsPasid: true } when answer == "0":
                return "0, but no PASID and nothing bound";
            case IsValidStep when answer is "0" or "1":
                return answer == "1" ? "yes" : "no, its address space has exited";
            case AllocateStep:
                return answer == Ioasid.Invalid.ToString() ? "none free" : answer;
        }

        if (step is EnqcmdStep or Movdir64BStep or ProcessStep or PageRequestStep)
        {
            string command = Find(answers, "command") is { } sent ? $" ({sent.Trim('"')})" : string.Empty;
            return $"{answer.Trim('"')}{command}{(Find(answers, "fixed_up") == "true" ? ", after the PASID was loaded" : string.Empty)}";
        }

        return int.TryParse(answer, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int status)
            && Enum.IsDefined((PasidStatus)status)
            ? status == 0 ? "ok" : $"{(PasidStatus)status} ({status.ToString(CultureInfo.InvariantCulture)})"
            : answer;
    }

    public static IEnumerable<string> Events(IReadOnlyList<Answer> answers) =>
        Lines(answers, "events").Concat(Lines(answers, "qi"))
            .Concat(Lines(answers, "callbacks").Select(line => $"callback {line}"))
            .Concat(Lines(answers, "responses").Select(line => $"response {line}"));

    private static IEnumerable<string> Lines(IReadOnlyList<Answer> answers, string key)
    {
        if (Find(answers, key) is not { } text)
        {
            yield break;
        }

        using JsonDocument lines = JsonDocument.Parse(text);
        foreach (JsonElement line in lines.RootElement.EnumerateArray())
        {
            yield return line.GetString()!;
        }
    }

    private static string? Find(IReadOnlyList<Answer> answers, string key) => answers.FirstOrDefault(answer => answer.Key == key)?.Text;

    private static string In(string? ioasidSet) => ioasidSet is null ? string.Empty : $" in {ioasidSet}";

    private static string With(string? data) => data is null ? string.Empty : $" with {data}";

    private static string Suffix(SvmBindFlags flags) => flags == SvmBindFlags.None ? string.Empty : $" ({flags.ToString()})";
}

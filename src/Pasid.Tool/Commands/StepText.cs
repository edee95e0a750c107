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
        _ => step.Info.Op,
    };

    public static string Outcome(Step step, IReadOnlyList<Answer> answers)
    {
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

        return int.TryParse(answer, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int status)
            && Enum.IsDefined((PasidStatus)status)
            ? status == 0 ? "ok" : $"{(PasidStatus)status} ({status.ToString(CultureInfo.InvariantCulture)})"
            : answer;
    }

    public static IEnumerable<string> Events(IReadOnlyList<Answer> answers) => Lines(answers, "events").Concat(Lines(answers, "qi"));

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

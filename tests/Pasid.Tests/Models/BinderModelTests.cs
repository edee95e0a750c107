using CsCheck;
using Pasid.Tests.Support;
using Pasid.Tool.Scenarios;
using Choice = (int Kind, int Space, int Device, int Detail, int Fault);

namespace Pasid.Tests.Models;

/// <summary>Random calls over all that a binder can be asked, against the naive one.</summary>
public sealed class BinderModelTests
{
    /// <summary>Two IOMMUs of which one lacks supervisor support, one that cannot SVM, and every kind of device.</summary>
    private const string Hardware =
        """
        "queue_capacity":4,"work_queues":[{"name":"w0","dev":"d0","shared":true,"capacity":2},{"name":"w1","dev":"d1","shared":false,"capacity":2}],"iommus":[{"name":"i0","supervisor":true},{"name":"i1","supervisor":false},{"name":"i2","supervisor":true,"svm_capable":false}],"devices":[{"name":"d0","iommu":"i0","pci":true,"max_pasids":1048576,"pasid_supported":true,"enable_pasid":0,"sid":1,"ats":true},{"name":"d1","iommu":"i1","pci":true,"max_pasids":1048576,"pasid_supported":true,"enable_pasid":0,"sid":2,"ats":false},{"name":"d2","iommu":"i0","pci":true,"max_pasids":3,"pasid_supported":true,"enable_pasid":0,"sid":3,"ats":false},{"name":"d3","iommu":"i0","pci":false,"max_pasids":0,"pasid_supported":true,"enable_pasid":0,"sid":4,"ats":true},{"name":"d4","iommu":"i0","pci":true,"max_pasids":16,"pasid_supported":false,"enable_pasid":0,"sid":5,"ats":false},{"name":"d5","iommu":"i1","pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":-22,"sid":6,"ats":false},{"name":"d6","iommu":null,"pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":0,"sid":7,"ats":false},{"name":"d7","iommu":"i2","pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":0,"sid":8,"ats":false},{"name":"d8","iommu":"i0","pci":true,"max_pasids":-22,"pasid_supported":true,"enable_pasid":0,"sid":9,"ats":false},{"name":"d9","iommu":"i0","pci":true,"max_pasids":0,"pasid_supported":true,"enable_pasid":0,"sid":10,"ats":false}]
        """;

    private const int Devices = 10;

    private static readonly string[] s_faults = ["sdev", "svm", "notifier", "setup"];

    private static readonly Gen<Choice[]> s_choices = Gen.Select(Gen.Int[0, 99], Gen.Int[0, 7], Gen.Frequency((3, Gen.Int[0, 2]), (1, Gen.Int[0, Devices - 1])), Gen.Int[0, 99], Gen.Int[0, 19]).Array[1, 50];

    [Theory]
    [InlineData("default", 6)]
    [InlineData("default", 1048576)]
    [InlineData("patched", 6)]
    [InlineData("patched", 1048576)]
    [InlineData("v5.6", 6)]
    [InlineData("v5.6", 1048576)]
    [InlineData("default", 0)]
    [InlineData("patched", 0)]
    public void Random_calls_answer_as_the_naive_binder_does(string kernel, int limit) =>
        ScenarioProperty.Holds(
            Gen.Select(s_choices, Gen.Int[0, 19], (choices, dmar) => (choices, dmar)),
            chosen => Scenario(kernel, limit, chosen.dmar == 0, chosen.choices),
            scenario => new NaiveBinder((BinderScenario)scenario),
            rounds: 400);

    private static string[] Scenario(string kernel, int limit, bool isDmarDisabled, Choice[] choices)
    {
        List<string> spaces = ["m0", "m1", "m2"];
        List<string> threads = [];
        bool hasSnapshot = false;
        List<string> lines =
        [
            $$"""{"vectors":"svm","version":1,"kernel":"{{kernel}}","topology":{"pasid_max_id":{{limit}},"dmar_disabled":{{(isDmarDisabled ? "true" : "false")}},{{Hardware}},"mms":["m0","m1","m2"]} }""",
        ];
        foreach (Choice choice in choices)
        {
            string space = spaces[choice.Space % spaces.Count];
            string device = $"d{choice.Device}";
            switch (choice.Kind)
            {
                case < 35:
                    string fault = choice.Fault < s_faults.Length ? $"\"{s_faults[choice.Fault]}\"" : "null";
                    string callbacks = (choice.Detail % 20) switch { 0 => "\"red\"", 1 => "\"blue\"", _ => "null" };
                    int flags = (choice.Detail / 20) switch { 4 => choice.Detail % 4, 3 => choice.Detail % 2, _ => 0 };
                    lines.Add($$"""{"op":"bind","dev":"{{device}}","mm":"{{space}}","want_pasid":{{(choice.Detail == 99 ? "false" : "true")}},"flags":{{flags}},"ops":{{callbacks}},"fail":{{fault}}}""");
                    break;
                case < 55:
                    lines.Add($$"""{"op":"unbind","dev":"{{device}}","pasid":{{choice.Detail % 7}}}""");
                    break;
                case < 58:
                    lines.Add($$"""{"op":"is_valid","dev":"{{device}}","pasid":{{choice.Detail % 7}}}""");
                    break;
                case < 62:
                    lines.Add($$"""{"op":"exit","mm":"{{space}}"}""");
                    break;
                case < 69:
                    string made = $"m{spaces.Count}";
                    spaces.Add(made);
                    string by = threads.Count == 0 || choice.Detail % 2 == 0 ? string.Empty : $"\"thread\":\"{threads[choice.Detail % threads.Count]}\",";
                    lines.Add(choice.Kind < 66
                        ? $$"""{"op":"fork","mm":"{{space}}","child":"{{made}}"{{(choice.Fault < 5 ? ",\"fail\":\"copy\"" : string.Empty)}}}"""
                        : $$"""{"op":"exec","mm":"{{space}}",{{by}}"next":"{{made}}"}""");
                    break;
                case < 94:
                    lines.Add(Life(choice, space, device, threads));
                    break;
                case < 97:
                    hasSnapshot = true;
                    lines.Add("""{"op":"snapshot"}""");
                    break;
                default:
                    if (hasSnapshot)
                    {
                        lines.Add("""{"op":"restore"}""");
                    }

                    break;
            }
        }

        return [.. lines];
    }

    /// <summary>A step of threads, commands and page requests.</summary>
    private static string Life(Choice choice, string space, string device, List<string> threads)
    {
        string thread = threads.Count == 0 ? string.Empty : threads[choice.Detail % threads.Count];
        string portal = $"0x{4096 * (1 + (choice.Detail % 2)):x}";
        string address = choice.Fault switch { 0 => "0x1020", 1 => "0x800000000000", 2 => "0xffff800000000000", 3 => "0x2fff", < 10 => "0x1040", < 14 => "0x2040", 14 => "0x3001", < 18 => $"0x{0x40 + (choice.Detail * 0x8000):x}", _ => "0x3000" };
        string queue = choice.Detail % 3 == 0 ? "w1" : "w0";
        string privilege = choice.Fault == 4 ? ",\"privilege\":\"supervisor\"" : string.Empty;
        int kind = choice.Kind < 73 || threads.Count == 0 ? 0 : choice.Kind;
        switch (kind)
        {
            case 0 when choice.Kind < 75:
                threads.Add($"t{threads.Count}");
                return $$"""{"op":"thread","mm":"{{space}}","thread":"{{threads[^1]}}"}""";
            case 73:
                return $$"""{"op":"thread_exit","thread":"{{thread}}"}""";
            case 74:
                return choice.Fault < 15 ? $$"""{"op":"map_portal","mm":"{{space}}","wq":"{{queue}}","address":"{{portal}}"}""" : $$"""{"op":"unmap_portal","mm":"{{space}}","address":"{{portal}}"}""";
            case >= 75 and < 79:
                return $$"""{"op":"enqcmd","thread":"{{thread}}","address":"{{address}}"{{privilege}}{{(choice.Fault == 5 ? ",\"reserved\":1" : string.Empty)}}}""";
            case 79:
                return $$"""{"op":"enqcmds","thread":"{{thread}}","address":"{{address}}","privilege":"{{(choice.Fault % 4 == 0 ? "user" : "supervisor")}}","head":{{choice.Fault switch { < 3 => 1u << 20, < 9 => 0x80000005, _ => 7u }}}}""";
            case 80:
                return $$"""{"op":"movdir64b","thread":"{{thread}}","address":"{{address}}"}""";
        }

        return (choice.Kind % 12) switch
        {
            0 when choice.Fault == 19 => $$"""{"op":"core_dump","mm":"{{space}}","on":{{(choice.Detail % 2 == 0 ? "true" : "false")}}}""",
            0 => $$"""{"op":"map_region","mm":"{{space}}","start":"{{(choice.Fault < 10 ? portal : $"0x{(choice.Fault - 9) * 0x40000:x}")}}","length":{{choice.Detail * 40 + 1}},"rights":"{{(choice.Fault % 3) switch { 0 => "rw", 1 => "r", _ => "rwx" }}}","grows_down":{{(choice.Fault % 2 == 0 ? "true" : "false")}}}""",
            1 => $$"""{"op":"configure","wq":"w1","pasid":{{choice.Detail % 5}}}""",
            2 => $$"""{"op":"complete","wq":"{{queue}}"}""",
            3 or 4 => """{"op":"process"}""",
            5 => $$"""{"op":"process","iommu":"i{{choice.Detail % 3}}"}""",
            6 => $$"""{"op":"map_portal","mm":"{{space}}","wq":"{{queue}}","address":"{{portal}}"}""",
            _ => $$"""{"op":"page_request","dev":"{{(device == "d6" ? "d0" : device)}}",{{(choice.Detail % 9 == 0 ? string.Empty : $"\"pasid\":{choice.Detail % 5},")}}"address":"{{address}}","rights":"{{(choice.Fault % 5) switch { 0 => "w", 1 => "x", 2 => "rwp", 3 => string.Empty, _ => "r" }}}","group":{{choice.Fault}},"last":{{(choice.Detail % 4 == 0 ? "false" : "true")}}{{(choice.Detail % 7 == 0 ? ",\"private\":5" : string.Empty)}}}""",
        };
    }
}

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
        "iommus":[{"name":"i0","supervisor":true},{"name":"i1","supervisor":false},{"name":"i2","supervisor":true,"svm_capable":false}],"devices":[{"name":"d0","iommu":"i0","pci":true,"max_pasids":1048576,"pasid_supported":true,"enable_pasid":0,"sid":1,"ats":true},{"name":"d1","iommu":"i1","pci":true,"max_pasids":1048576,"pasid_supported":true,"enable_pasid":0,"sid":2,"ats":false},{"name":"d2","iommu":"i0","pci":true,"max_pasids":3,"pasid_supported":true,"enable_pasid":0,"sid":3,"ats":false},{"name":"d3","iommu":"i0","pci":false,"max_pasids":0,"pasid_supported":true,"enable_pasid":0,"sid":4,"ats":true},{"name":"d4","iommu":"i0","pci":true,"max_pasids":16,"pasid_supported":false,"enable_pasid":0,"sid":5,"ats":false},{"name":"d5","iommu":"i1","pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":-22,"sid":6,"ats":false},{"name":"d6","iommu":null,"pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":0,"sid":7,"ats":false},{"name":"d7","iommu":"i2","pci":true,"max_pasids":16,"pasid_supported":true,"enable_pasid":0,"sid":8,"ats":false},{"name":"d8","iommu":"i0","pci":true,"max_pasids":-22,"pasid_supported":true,"enable_pasid":0,"sid":9,"ats":false},{"name":"d9","iommu":"i0","pci":true,"max_pasids":0,"pasid_supported":true,"enable_pasid":0,"sid":10,"ats":false}]
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
                case < 45:
                    string fault = choice.Fault < s_faults.Length ? $"\"{s_faults[choice.Fault]}\"" : "null";
                    string callbacks = (choice.Detail % 20) switch { 0 => "\"red\"", 1 => "\"blue\"", _ => "null" };
                    int flags = (choice.Detail / 20) switch { 4 => choice.Detail % 4, 3 => choice.Detail % 2, _ => 0 };
                    lines.Add($$"""{"op":"bind","dev":"{{device}}","mm":"{{space}}","want_pasid":{{(choice.Detail == 99 ? "false" : "true")}},"flags":{{flags}},"ops":{{callbacks}},"fail":{{fault}}}""");
                    break;
                case < 75:
                    lines.Add($$"""{"op":"unbind","dev":"{{device}}","pasid":{{choice.Detail % 7}}}""");
                    break;
                case < 80:
                    lines.Add($$"""{"op":"is_valid","dev":"{{device}}","pasid":{{choice.Detail % 7}}}""");
                    break;
                case < 86:
                    lines.Add($$"""{"op":"exit","mm":"{{space}}"}""");
                    break;
                case < 94:
                    string made = $"m{spaces.Count}";
                    spaces.Add(made);
                    lines.Add(choice.Kind < 91
                        ? $$"""{"op":"fork","mm":"{{space}}","child":"{{made}}"}"""
                        : $$"""{"op":"exec","mm":"{{space}}","next":"{{made}}"}""");
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
}

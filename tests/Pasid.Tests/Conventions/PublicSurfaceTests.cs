using System.Reflection;
using System.Xml.Linq;
using Pasid.Tests.Architecture;

namespace Pasid.Tests.Conventions;

/// <summary>What holds for the public surface as a whole, asked of the assembly and its documentation.</summary>
public sealed class PublicSurfaceTests
{
    private static readonly Assembly s_library = typeof(IoasidAllocator).Assembly;
    private static readonly XElement[] s_members = [.. XDocument.Load(Path.ChangeExtension(s_library.Location, ".xml")).Descendants("member")];

    public static TheoryData<Type> PublicTypes() => [.. s_library.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(PublicTypes))]
    public void A_public_class_is_sealed_or_abstract(Type type) =>
        (!type.IsClass || type.IsSealed || type.IsAbstract || typeof(Exception).IsAssignableFrom(type)).Should().BeTrue();

    [Theory]
    [MemberData(nameof(PublicTypes))]
    public void A_public_type_has_no_public_fields_but_constants(Type type) =>
        type.GetFields(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(field => !field.IsLiteral && !field.IsSpecialName)
            .Should().BeEmpty();

    [Theory]
    [MemberData(nameof(PublicTypes))]
    public void A_public_type_says_whether_it_is_thread_safe(Type type)
    {
        string documentation = Documentation($"T:{type.FullName!.Replace('+', '.')}").Value;

        documentation.Should().MatchRegex("concurrent use|[Tt]hread-safe|safe without locks");
    }

    [Theory]
    [MemberData(nameof(PublicTypes))]
    public void A_public_type_is_in_the_one_public_namespace(Type type) => type.Namespace.Should().Be("Pasid");

    /// <summary>What implements an interface answers no more than the interface documents, and is not asked again.</summary>
    public static TheoryData<string> MethodsThatAnswerAStatus() =>
    [
        .. s_library.GetExportedTypes()
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => method.ReturnType == typeof(PasidStatus) && !method.IsSpecialName && !Implements(method))
            .Select(method => s_members.Single(member => IsMember(member, method)).Attribute("name")!.Value)
            .Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(MethodsThatAnswerAStatus))]
    public void A_method_that_answers_a_status_documents_its_success_and_some_failure(string method)
    {
        XElement returns = Documentation(method).Element("returns")!;
        string[] named = [.. References(returns).Concat(References(returns).Where(name => name.StartsWith("M:Pasid.", StringComparison.Ordinal)).SelectMany(name => References(Documentation(name).Element("returns")!)))];

        named.Should().Contain("F:Pasid.PasidStatus.Success")
            .And.Contain(name => name.StartsWith("F:Pasid.PasidStatus.", StringComparison.Ordinal) && name != "F:Pasid.PasidStatus.Success");
    }

    [Fact]
    public void Methods_that_answer_a_status_are_those_of_the_interfaces_and_their_extensions() =>
        MethodsThatAnswerAStatus().SelectMany<object[], string>(row => [(string)row[0]]).Should()
            .HaveCountGreaterThan(12)
            .And.Contain(name => name.StartsWith("M:Pasid.IIommu.SetUpPasidEntry(", StringComparison.Ordinal))
            .And.Contain(name => name.StartsWith("M:Pasid.IoasidAllocatorExtensions.Lookup(", StringComparison.Ordinal))
            .And.NotContain(name => name.StartsWith("M:Pasid.Iommu.", StringComparison.Ordinal));

    [Fact]
    public void Every_status_is_documented_where_it_is_answered()
    {
        foreach (string status in Enum.GetNames<PasidStatus>())
        {
            s_members
                .Where(member => member.Attribute("name")!.Value.StartsWith("M:", StringComparison.Ordinal))
                .Should().Contain(member => member.ToString().Contains($"F:Pasid.PasidStatus.{status}\"", StringComparison.Ordinal), status);
        }
    }

    [Fact]
    public void The_five_members_that_matter_most_have_examples()
    {
        foreach (string member in new[] { "IIoasidAllocator.TryAllocate", "ISvmBinder.Bind(", "SvmBinder.Restore", "PasidServiceCollectionExtensions.AddPasid", "PasidServiceCollectionExtensions.AddKeyedPasid" })
        {
            s_members
                .Where(m => m.Attribute("name")!.Value.StartsWith($"M:Pasid.{member}", StringComparison.Ordinal))
                .Should().Contain(m => m.Element("example") != null, member);
        }
    }

    [Fact]
    public void The_exception_has_the_standard_constructors()
    {
        typeof(PasidException).GetConstructor([]).Should().NotBeNull();
        typeof(PasidException).GetConstructor([typeof(string)]).Should().NotBeNull();
        typeof(PasidException).GetConstructor([typeof(string), typeof(Exception)]).Should().NotBeNull();
    }

    [Fact]
    public void The_library_depends_on_the_framework_and_two_abstractions_alone() =>
        s_library.GetReferencedAssemblies().Select(name => name.Name!)
            .Where(name => !name.StartsWith("System", StringComparison.Ordinal))
            .Should().BeEquivalentTo(["Microsoft.Extensions.DependencyInjection.Abstractions", "Microsoft.Extensions.Logging.Abstractions"]);

    /// <summary>What a generator or the compiler writes, it answers for: that is told by where its bodies stand and not by names.</summary>
    [Fact]
    public void Nothing_that_changes_is_static()
    {
        using CompiledAssembly library = CompiledAssembly.Open(s_library);
        FieldInfo[] fields =
        [
            .. s_library.GetTypes()
                .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
                .Where(field => !field.IsLiteral && !library.IsGenerated(field, document => Rooms.Paths([document]).Any())),
        ];

        fields.Should().Contain(field => field.Name == "<Seed>k__BackingField");
        fields
            .Select(field => (Field: field, Change: FindChange(field)))
            .Where(field => field.Change is not null)
            .Select(field => $"{field.Field.DeclaringType}.{field.Field.Name}: {field.Change}")
            .Should().BeEmpty();
    }

    private static string? FindChange(FieldInfo field) => field switch
    {
        { IsInitOnly: false } => "can be set",
        { DeclaringType.ContainsGenericParameters: true } => "is one for each type argument, and cannot be looked at",
        _ => Immutability.FindChange(field.GetValue(null)),
    };

    private static bool Implements(MethodInfo method) =>
        method.DeclaringType is { IsInterface: false } type
        && type.GetInterfaces().Any(implemented => type.GetInterfaceMap(implemented).TargetMethods.Contains(method));

    private static IEnumerable<string> References(XElement text) => text.Descendants("see").Select(see => (string?)see.Attribute("cref") ?? "");

    private static bool IsMember(XElement member, MethodInfo method)
    {
        string[] parts = member.Attribute("name")!.Value.Split('(');
        int arguments = parts.Length == 1 ? 0 : parts[1].Split(',').Length;
        return parts[0] == $"M:{method.DeclaringType!.FullName}.{method.Name}"
            && arguments == method.GetParameters().Sum(p => p.ParameterType.GetGenericArguments().Length is 0 or 1 ? 1 : 2);
    }

    private static XElement Documentation(string name) =>
        s_members.Should().ContainSingle(member => member.Attribute("name")!.Value == name).Subject;
}

using System.Reflection;
using System.Xml.Linq;

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

    [Fact]
    public void A_method_that_answers_a_status_documents_its_success_and_some_failure()
    {
        IEnumerable<XElement> methods = s_library.GetExportedTypes()
            .Where(type => type.IsInterface || type == typeof(Iommu) || type.IsAbstract)
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly))
            .Where(method => method.ReturnType == typeof(PasidStatus) && method.DeclaringType!.Assembly == s_library)
            .Select(method => s_members.Single(m => IsMember(m, method)));

        foreach (XElement method in methods)
        {
            string returns = string.Concat(method.Elements("returns").Select(element => element.ToString()));
            returns.Should().MatchRegex("PasidStatus\\.Success|ISvmBinder\\.BindMm", because: method.Attribute("name")!.Value);
        }

        methods.Should().HaveCountGreaterThan(12);
    }

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
        foreach (string member in new[] { "IIoasidAllocator.TryAllocate", "ISvmBinder.Bind(", "ISvmBinder.Restore", "PasidServiceCollectionExtensions.AddPasid", "PasidServiceCollectionExtensions.AddKeyedPasid" })
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

    [Fact]
    public void Nothing_that_changes_is_static()
    {
        IEnumerable<FieldInfo> fields = s_library.GetTypes()
            .Where(type => !type.IsDefined(typeof(System.Runtime.CompilerServices.CompilerGeneratedAttribute), inherit: false) && type.FullName!.StartsWith("Pasid.", StringComparison.Ordinal))
            .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsInitOnly && !field.IsLiteral && !field.Name.StartsWith('<') && !field.Name.StartsWith("__", StringComparison.Ordinal));

        // What a generator writes.
        fields.Where(field => field.DeclaringType!.Name != "SnapshotJson").Select(field => $"{field.DeclaringType}.{field.Name}").Should().BeEmpty();
    }

    private static bool IsMember(XElement member, MethodInfo method)
    {
        string name = member.Attribute("name")!.Value;
        string prefix = $"M:{method.DeclaringType!.FullName}.{method.Name}(";
        return name.StartsWith(prefix, StringComparison.Ordinal)
            && name.Split('(')[1].Split(',').Length == method.GetParameters().Sum(p => p.ParameterType.GetGenericArguments().Length is 0 or 1 ? 1 : 2);
    }

    private static XElement Documentation(string name) =>
        s_members.Should().ContainSingle(member => member.Attribute("name")!.Value == name).Subject;
}

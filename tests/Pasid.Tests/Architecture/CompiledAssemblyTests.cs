namespace Pasid.Tests.Architecture;

/// <summary>The reader sees what stands in <c>Probes.cs</c>.</summary>
public sealed class CompiledAssemblyTests : IDisposable
{
    private readonly CompiledAssembly _tests = CompiledAssembly.Open(typeof(CompiledAssemblyTests).Assembly);

    public void Dispose() => _tests.Dispose();

    [Theory]
    [InlineData("ProbeOfBase", "ProbeOfBase", "Named")]
    [InlineData("ProbeOfInterface", "ProbeOfInterface", "IProbed")]
    [InlineData("ProbeOfField", "ProbeOfField._field", "Named")]
    [InlineData("ProbeOfGenericField", "ProbeOfGenericField._field", "Named")]
    [InlineData("ProbeOfProperty", "ProbeOfProperty.Kind", "ProbedKind")]
    [InlineData("ProbeOfEvent", "ProbeOfEvent.Happened", "Named")]
    [InlineData("ProbeOfParameter", "ProbeOfParameter.Member(...)", "ProbedBox`1")]
    [InlineData("ProbeOfConstraint", "ProbeOfConstraint.Member(...)", "Named")]
    [InlineData("ProbeOfTypeConstraint`1", "ProbeOfTypeConstraint", "Named")]
    [InlineData("ProbeOfBody", "ProbeOfBody.Member(...)", "Named")]
    [InlineData("ProbeOfLocal", "ProbeOfLocal.Member(...)", "Named")]
    [InlineData("ProbeOfStaticField", "ProbeOfStaticField.Member(...)", "ProbedBox`1")]
    [InlineData("ProbeOfGenericArgument", "ProbeOfGenericArgument.Member(...)", "Named")]
    [InlineData("ProbeOfForeignGenericArgument", "ProbeOfForeignGenericArgument.Member(...)", "Named")]
    [InlineData("ProbeOfLambda", "ProbeOfLambda.Member(...)", "Named")]
    [InlineData("ProbeOfIterator", "ProbeOfIterator.Member(...)", "Named")]
    [InlineData("ProbeOfCatch", "ProbeOfCatch.Member(...)", "ProbedException")]
    [InlineData("ProbeOfTypeof", "ProbeOfTypeof.Member(...)", "Named")]
    [InlineData("ProbeOfNested", "ProbeOfNested.Member(...)", "ProbedBox`1")]
    [InlineData("ProbeOfSwitch", "ProbeOfSwitch.Member(...)", "Named")]
    public void Namings_of_a_type_have_what_it_names_and_where(string from, string member, string to) =>
        Namings(from).Should().Contain(new Naming(Full(from), member, Full(to)));

    [Theory]
    [InlineData("ProbeOfConstant")]
    [InlineData("ProbeOfAttribute")]
    [InlineData("Named")]
    public void Namings_of_a_type_leave_out_constants_and_attributes(string from) =>
        Namings(from).Select(naming => naming.To).Should().NotContain([Full("Named"), Full("ProbedAttribute")]);

    [Theory]
    [InlineData("ProbeOfLambda")]
    [InlineData("ProbedKind")]
    [InlineData("IProbed")]
    [InlineData("ProbeOfBase")]
    public void Documents_of_a_type_have_its_file_whether_or_not_it_has_bodies(string type) =>
        _tests.Documents()[Full(type)].Should().ContainSingle().Which.Should().EndWith("/Architecture/Probes.cs");

    [Fact]
    public void Documents_of_a_type_in_parts_have_the_files_of_all_parts() =>
        _tests.Documents()[Full("ProbeOfParts")].Select(Path.GetFileName).Should().Equal("Probes.Parts.cs", "Probes.cs");

    [Fact]
    public void Documents_have_no_type_that_stands_in_another_and_none_of_the_compiler() =>
        _tests.Documents().Keys.Where(name => name.StartsWith('<') || name.EndsWith("Inner", StringComparison.Ordinal)).Should().BeEmpty();

    private static string Full(string name) => $"Pasid.Tests.Architecture.{name}";

    private IEnumerable<Naming> Namings(string from) => _tests.Namings().Where(naming => naming.From == Full(from));
}

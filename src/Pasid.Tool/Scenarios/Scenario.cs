namespace Pasid.Tool.Scenarios;

/// <summary>A file of steps that are applied in order to one allocator or one binder.</summary>
/// <param name="Path">Where it was read from, as the user named it.</param>
/// <param name="Name">What its header calls it.</param>
/// <param name="Kernel">The kernel that its header names.</param>
/// <param name="Steps">The steps.</param>
internal abstract record Scenario(string Path, string Name, string Kernel, IReadOnlyList<Step> Steps);

/// <summary>A scenario of the allocator.</summary>
internal sealed record AllocatorScenario(
    string Path,
    string Name,
    string Kernel,
    IReadOnlyList<Step> Steps,
    CustomAllocators CustomAllocators,
    IoasidReusePolicy ReusePolicy) : Scenario(Path, Name, Kernel, Steps);

/// <summary>A scenario of the binder.</summary>
internal sealed record BinderScenario(
    string Path,
    string Name,
    string Kernel,
    IReadOnlyList<Step> Steps,
    KernelProfile Profile,
    Topology Topology) : Scenario(Path, Name, Kernel, Steps)
{
    /// <summary>Gets what the file holds.</summary>
    public FileFormat Format { get; init; }
}

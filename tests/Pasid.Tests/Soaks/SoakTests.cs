using Pasid.Soak;
using Pasid.Tests.Support;

namespace Pasid.Tests.Soaks;

/// <summary>A short soak; for a long one there is a command of its own.</summary>
[Collection(nameof(AloneCollection))]
public sealed class SoakTests
{
    public static TheoryData<string, IoasidReusePolicy> Hosts() => new()
    {
        { nameof(KernelProfile.Default), IoasidReusePolicy.LowestFirst },
        { nameof(KernelProfile.Seed), IoasidReusePolicy.LowestFirst },
        { nameof(KernelProfile.Linux56), IoasidReusePolicy.Cyclic },
        { nameof(KernelProfile.Default), IoasidReusePolicy.Quarantine(50, QuarantineExhaustion.ReleaseOldest) },
    };

    [Theory]
    [MemberData(nameof(Hosts))]
    public void Threads_that_use_one_host_lose_nothing_and_find_nothing_of_others(string profile, IoasidReusePolicy policy)
    {
        var kernel = (KernelProfile)typeof(KernelProfile).GetProperty(profile)!.GetValue(null)!;
        using var run = new SoakRun(kernel, policy, threads: 3, seed: 7);

        SoakReport report = run.Run(TimeSpan.FromSeconds(1));

        report.Failure.Should().BeNull();
        report.Lookups.Should().BeGreaterThan(1_000);
    }
}
